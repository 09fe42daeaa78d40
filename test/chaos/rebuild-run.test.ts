import { expect, test } from 'vitest'
import { advance, beginRun } from '#pipelines/advance.ts'
import { supportTicket } from '#pipelines/support-ticket.ts'
import type { RunEvent, RunState } from '#shared/domain/run.ts'
import { recoveryMs } from './audit.ts'
import { type LogRow, rebuildRun } from './rebuild-run.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 2, 9, 0, seconds))

/** The log that the brain itself writes for these events, one a second. */
function logOf(events: readonly RunEvent[]): LogRow[] {
  let state: RunState = beginRun(supportTicket, 'standard', at(0))
  const row = (step: string, attempt: number, result: string, next: RunState, second: number): LogRow => ({
    run_id: 'run_1',
    seq: next.seq,
    tenant_id: 'default',
    step,
    attempt,
    result,
    facts_written: {},
    next,
    ended_at: at(second),
  })
  const rows = [row('screen', 1, 'accepted', state, 0)]
  for (const [i, event] of events.entries()) {
    const transition = advance(supportTicket, state, event, at(i + 1), 0)
    if ('ignored' in transition) throw new Error(transition.ignored)
    rows.push(row(state.step, state.attempt, transition.result, transition.next, i + 1))
    state = transition.next
  }
  return rows
}

const completed = (outcome: string): RunEvent => ({ kind: 'completed', outcome, facts: {} })
const rows = logOf([completed('clean'), completed('miss'), { kind: 'lost' }, completed('spam')])

test('a run is rebuilt from its log, with its times and its end', () => {
  expect(rebuildRun(rows)).toMatchObject({
    id: 'run_1',
    status: 'closed',
    step: 'classify',
    seq: 4,
    visits: { screen: 1, recall: 1, classify: 1 },
    created_at: at(0),
    updated_at: at(4),
    ended_at: at(4),
  })
})

test('a log with a gap, a repeat, a foreign step or a hop after the end is no log', () => {
  expect(() => rebuildRun(rows.toSpliced(2, 1))).toThrow('seq 3 follows seq 1')
  expect(() => rebuildRun(rows.toSpliced(2, 0, rows[1]!))).toThrow('seq 1 follows seq 1')
  expect(() => rebuildRun(rows.with(2, { ...rows[2]!, step: 'verify' }))).toThrow('the run stood at recall#1')
  const late = { ...rows[4]!, seq: 5, next: { ...rows[4]!.next, seq: 5 } }
  expect(() => rebuildRun([...rows, late])).toThrow('had ended')
  expect(() => rebuildRun(rows.slice(1))).toThrow('does not begin at seq 0')
})

test('recovery is the time of the slowest run under way, and what the sweeper did is no progress', () => {
  expect(recoveryMs([rows], at(0))).toBe(1_000)
  expect(recoveryMs([rows], at(2))).toBe(2_000)
  expect(recoveryMs([rows], at(4))).toBeUndefined()
  expect(recoveryMs([rows.slice(0, 2), rows], at(2))).toBe(Number.POSITIVE_INFINITY)
})
