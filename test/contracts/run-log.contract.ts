import { expect, test } from 'vitest'
import { advance, beginRun, type Transition } from '#pipelines/advance.ts'
import { supportTicket } from '#pipelines/support-ticket.ts'
import { retryable } from '#shared/domain/failure.ts'
import type { Run, RunEvent } from '#shared/domain/run.ts'
import type { Hop, NewRun, RunLog } from '#shared/ports/run-log.ts'

export const NOW = new Date('2026-11-21T12:00:00.000Z')
const EVERYTHING = 100_000
let names = 0

/** A run at its start; every call makes another, so that all tests may share one log. */
export function newRun(change: Partial<NewRun> = {}): NewRun {
  const name = `${process.pid}x${++names}`
  return {
    id: `run_${name}`,
    tenantId: `tenant-${name}`,
    pipeline: supportTicket.name,
    version: 1,
    subjectId: `tkt_${name}`,
    traceId: '0'.repeat(32),
    state: beginRun(supportTicket, 'standard', NOW),
    given: { ticket: { body: 'naïve – 日本語 🙂' } },
    createdAt: NOW,
    ...change,
  }
}

/** What the engine writes when this happens to the run. */
export function hopOf(run: Run, event: RunEvent, change: Partial<Hop> = {}): Hop {
  const transition = advance(supportTicket, run, event, NOW, 0.5)
  if ('ignored' in transition) throw new Error(transition.ignored)
  const { next, result, facts, dueAt, failure } = transition
  const { id, seq, step, attempt, tenantId, pipeline } = run
  return {
    ...{ runId: id, tenantId, pipeline, seq, step, attempt, visit: run.visits[step] ?? 0, result, failure },
    ...{ factsWritten: facts, next, dueAt, deadLetter: letterOf(run, transition) },
    ...{ startedAt: NOW, endedAt: NOW, worker: 'worker-1' },
    ...change,
  }
}

const letterOf = (run: Run, { deadLetter }: Transition): Hop['deadLetter'] =>
  deadLetter && {
    id: `dl_${run.id}_${run.seq}`,
    step: deadLetter.step,
    code: deadLetter.failure.code,
    message: deadLetter.failure.message,
  }

const completed = (outcome: string, facts: Record<string, unknown> = {}): RunEvent => ({ kind: 'completed', outcome, facts })
const failed = (code: string): RunEvent => ({ kind: 'failed', failure: retryable(code, 'not now').failure })
const broken: RunEvent = { kind: 'failed', failure: { kind: 'defect', code: 'defect', message: 'our own mistake' } }

/** What every run log promises. @param open gives the log; called twice, two processes on one store where there is one to share */
export function runLogContract(open: () => RunLog): void {
  const begun = async (runs: RunLog, change: Partial<NewRun> = {}): Promise<Run> => {
    const run = newRun(change)
    await runs.begin([run])
    return (await runs.load(run.id))!
  }
  const move = async (runs: RunLog, id: string, event: RunEvent, change: Partial<Hop> = {}) => {
    const run = (await runs.load(id))!
    expect(await runs.record(hopOf(run, event, change))).toBe(true)
    return (await runs.load(id))!
  }
  const due = async (runs: RunLog, overdueMs: number) => (await runs.dispatched(overdueMs, EVERYTHING)).map(({ id }) => id)

  test('a run begins whole, and is found as it began', async () => {
    const runs = open()
    const wanted = newRun()
    await runs.begin([wanted])
    const { given, state, ...rest } = wanted
    const dates = { dueAt: NOW, createdAt: NOW, updatedAt: NOW, endedAt: null }
    expect(await runs.load(wanted.id)).toEqual({ ...rest, ...state, ...dates, facts: given })
    expect(await runs.load('run_nobody')).toBeUndefined()
  })

  test('beginning again changes nothing, neither the run nor what happened to it since', async () => {
    const runs = open()
    const [one, two] = [newRun(), newRun()]
    await runs.begin([one])
    const moved = await move(runs, one.id, completed('clean', { screened: 1 }))
    await runs.begin([{ ...one, given: { ticket: 'another' } }, two])
    expect(await runs.load(one.id)).toEqual(moved)
    expect(await runs.attempts(one.tenantId, one.id)).toHaveLength(2)
    expect(await runs.load(two.id)).toMatchObject({ id: two.id, seq: 0 })
  })

  test('facts merge in the order they were written; the latest wins, and null takes one back', async () => {
    const runs = open()
    const { id } = await begun(runs)
    await move(runs, id, completed('clean', { screened: { n: 1 }, kept: [1, { deep: null }] }))
    await move(runs, id, completed('miss', { screened: { n: 2 }, recalled: 'x' }))
    const { facts } = await move(runs, id, completed('answerable', { recalled: null }))
    expect(facts).toEqual({
      ticket: { body: 'naïve – 日本語 🙂' },
      screened: { n: 2 },
      kept: [1, { deep: null }],
      recalled: null,
    })
  })

  test('a hop moves the run only from where it was made', async () => {
    const runs = open()
    const start = await begun(runs)
    const hop = hopOf(start, completed('clean', { screened: 1 }))
    expect(await runs.record({ ...hop, seq: 1 })).toBe(false)
    expect(await runs.load(start.id)).toEqual(start)
    expect(await runs.record(hop)).toBe(true)
    expect(await runs.record(hop)).toBe(false)
    expect(await runs.record({ ...hop, runId: 'run_nobody' })).toBe(false)
    expect(await runs.load(start.id)).toMatchObject({ seq: 1, step: 'recall', status: 'running', facts: { screened: 1 } })
    expect(await runs.attempts(start.tenantId, start.id)).toHaveLength(2)
  })

  test('of hops of one run at the same moment exactly one is written, in one process and in two', async () => {
    const [one, two] = [open(), open()]
    for (let round = 0; round < 20; round++) {
      const run = await begun(one)
      const hops = Array.from({ length: 6 }, (_, i) => hopOf(run, completed('clean', { by: i }), { worker: `w${i}` }))
      const results = await Promise.all(hops.map((hop, i) => (i % 2 ? one : two).record(hop)))
      expect(results.filter(Boolean)).toHaveLength(1)
      const winner = results.indexOf(true)
      expect(await one.load(run.id)).toMatchObject({ seq: 1, facts: { by: winner } })
      expect((await one.attempts(run.tenantId, run.id)).map(({ worker }) => worker)).toEqual(['', `w${winner}`])
    }
  })

  test('many runs that move at once each move once', async () => {
    const runs = open()
    const many = Array.from({ length: 250 }, () => newRun())
    await runs.begin(many)
    const loaded = await Promise.all(many.map(({ id }) => runs.load(id)))
    const moved = await Promise.all(loaded.map((run) => runs.record(hopOf(run!, completed('clean', { mine: run!.id })))))
    expect(moved.every(Boolean)).toBe(true)
    const after = await Promise.all(many.map(({ id }) => runs.load(id)))
    expect(after.map((run) => run!.facts.mine)).toEqual(many.map(({ id }) => id))
  })

  test('the log tells everything that happened, and folding it gives the run', async () => {
    const runs = open()
    const { id, tenantId } = await begun(runs)
    const events: RunEvent[] = [
      completed('clean', { screened: 1 }),
      failed('cache-away'),
      { kind: 'lost' },
      completed('miss', { recalled: 2 }),
      completed('answerable', { triage: 3 }),
      broken,
      { kind: 'waiting', until: new Date(NOW.getTime() + 60_000), facts: { handover: 4 } },
      completed('dismissed', { ruling: 5, triage: null }),
    ]
    for (const event of events) await move(runs, id, event)
    const run = (await runs.load(id))!
    const log = await runs.attempts(tenantId, id)
    expect(log.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    const results = ['accepted', 'clean', 'failed', 'redispatched', 'miss', 'answerable', 'failed', 'waiting', 'dismissed']
    expect(log.map(({ result }) => result)).toEqual(results)
    expect(log.map(({ step }) => step)).toEqual([
      ...['screen', 'screen', 'recall', 'recall', 'recall', 'classify', 'retrieve', 'escalate', 'escalate'],
    ])
    expect(log.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 2, 2, 1, 1, 1, 1])
    expect(log[2]).toMatchObject({ failure: { kind: 'retryable', code: 'cache-away' }, worker: 'worker-1', startedAt: NOW })
    expect(log[6]).toMatchObject({ failure: { kind: 'defect' } })
    const merged = Object.assign({}, ...log.map(({ factsWritten }) => factsWritten))
    const folded = { ...log.at(-1)!.next, seq: log.at(-1)!.seq, facts: merged }
    const { status, step, attempt, seq, facts } = run
    expect(folded).toEqual({ status, step, attempt, seq, facts })
    expect(run).toMatchObject({ status: 'closed', endedAt: NOW, rescues: 1 })
    expect(await runs.attempts('somebody-else', id)).toEqual([])
  })

  test('a dead letter is written with its hop, or neither is', async () => {
    const runs = open()
    const run = await begun(runs)
    const hop = hopOf(run, broken)
    expect(hop.deadLetter).not.toBeNull()
    expect(await runs.record({ ...hop, seq: 7 })).toBe(false)
    expect(await runs.deadLetters(run.tenantId, { limit: 10 })).toEqual([])
    expect(await runs.record(hop)).toBe(true)
    const { id, tenantId, pipeline } = run
    const { id: letterId, ...letter } = hop.deadLetter!
    const expected = { ...letter, id: letterId, tenantId, runId: id, pipeline, createdAt: NOW, redrivenAt: null }
    expect(await runs.deadLetters(tenantId, { limit: 10 })).toEqual([expected])
  })

  test('dead letters are found by id, step, code and openness, newest first, and by their tenant only', async () => {
    const runs = open()
    const tenantId = newRun().tenantId
    const letters: string[] = []
    for (const [minutes, code] of ['first', 'second', 'second'].entries()) {
      const run = await begun(runs, { tenantId })
      const hop = hopOf(run, broken, { endedAt: new Date(NOW.getTime() + minutes * 60_000) })
      letters.unshift(hop.deadLetter!.id)
      await runs.record({ ...hop, deadLetter: { ...hop.deadLetter!, code } })
    }
    const found = async (filter: object) => (await runs.deadLetters(tenantId, { limit: 10, ...filter })).map(({ id }) => id)
    expect(await found({})).toEqual(letters)
    expect(await found({ limit: 2 })).toEqual(letters.slice(0, 2))
    expect(await found({ code: 'second' })).toEqual(letters.slice(0, 2))
    expect(await found({ step: 'screen', code: 'first' })).toEqual([letters[2]])
    expect(await found({ step: 'recall' })).toEqual([])
    expect(await found({ ids: [letters[1]!, 'dl_nobody'] })).toEqual([letters[1]])
    await runs.markRedriven(tenantId, letters[0]!, NOW)
    await runs.markRedriven('somebody-else', letters[1]!, NOW)
    expect(await found({ open: true })).toEqual(letters.slice(1))
    expect((await runs.deadLetters(tenantId, { limit: 1 }))[0]).toMatchObject({ redrivenAt: NOW })
    expect(await runs.deadLetters('somebody-else', { limit: 10 })).toEqual([])
  })

  test('a job is overdue by the store’s clock, whatever those of the workers say', async () => {
    const runs = open()
    const nextYear = new Date(NOW.getTime() + 365 * 86_400_000)
    const fast = await begun(runs, { createdAt: nextYear })
    const slow = await begun(runs, { createdAt: new Date(0) })
    expect(await due(runs, 0)).toEqual(expect.arrayContaining([fast.id, slow.id]))
    const notLongAgo = await due(runs, 3_600_000)
    expect(notLongAgo).not.toContain(fast.id)
    expect(notLongAgo).not.toContain(slow.id)
    await move(runs, fast.id, completed('clean'), { startedAt: nextYear, endedAt: nextYear, dueAt: nextYear })
    expect(await due(runs, 0)).toContain(fast.id)
    const inAnHour = new Date(nextYear.getTime() + 3_600_000)
    await move(runs, slow.id, failed('later'), { endedAt: nextYear, dueAt: inAnHour })
    expect(await due(runs, 0)).not.toContain(slow.id)
    expect(await due(runs, -2 * 3_600_000)).toContain(slow.id)
  })

  test('the longest overdue come first, up to the limit, and carry what a dispatch needs', async () => {
    const runs = open()
    const [young, old] = [await begun(runs), await begun(runs)]
    await runs.checked([young.id], -100 * 86_400_000)
    await runs.checked([old.id], -200 * 86_400_000)
    const glances = await runs.dispatched(50 * 86_400_000, 1)
    const { id, tenantId, pipeline, step, seq, status, dueAt, lane } = old
    expect(glances).toEqual([{ id, tenantId, pipeline, step, seq, status, dueAt, lane }])
    expect(await due(runs, 50 * 86_400_000)).toEqual([old.id, young.id])
    await runs.checked([old.id, young.id], 0)
  })

  test('what was checked rests; after a loss of memory it is looked at, too, while long delays keep their time', async () => {
    const runs = open()
    const [resting, delayed, waiting, ended] = [await begun(runs), await begun(runs), await begun(runs), await begun(runs)]
    await runs.checked([resting.id], 20_000)
    await move(runs, delayed.id, failed('later'), { dueAt: new Date(NOW.getTime() + 3_600_000) })
    await move(runs, waiting.id, completed('blocked'))
    await move(runs, waiting.id, { kind: 'waiting', until: NOW, facts: {} })
    await move(runs, ended.id, { kind: 'cancelled' })
    const ours = new Set([resting.id, delayed.id, waiting.id, ended.id])
    const dueOurs = async () => (await due(runs, 4_000)).filter((id) => ours.has(id)).toSorted()
    expect(await dueOurs()).toEqual([])
    await runs.checkAll(30_000)
    expect(await dueOurs()).toEqual([resting.id])
    await runs.checkAll(2 * 3_600_000)
    expect(await dueOurs()).toEqual([resting.id, delayed.id].toSorted())
  })

  test('waits and parks end when their time is over', async () => {
    const runs = open()
    const [waiting, parked, running] = [await begun(runs), await begun(runs), await begun(runs)]
    const until = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000)
    await move(runs, waiting.id, completed('blocked'))
    await move(runs, waiting.id, { kind: 'waiting', until: until(10), facts: {} })
    await move(runs, parked.id, { kind: 'parked', until: until(5) })
    const ours = new Set([waiting.id, parked.id, running.id])
    const expired = async (minutes: number) =>
      (await runs.expired(until(minutes), EVERYTHING)).map(({ id }) => id).filter((id) => ours.has(id))
    expect(await expired(4)).toEqual([])
    expect(await expired(5)).toEqual([parked.id])
    expect(await expired(10)).toEqual([parked.id, waiting.id])
    await move(runs, parked.id, { kind: 'resumed' })
    expect(await expired(10)).toEqual([waiting.id])
    expect(await runs.expired(until(10), 0)).toEqual([])
  })

  test('the backlog counts runs that are not at rest, by tenant, status and pipeline', async () => {
    const runs = open()
    const { tenantId } = newRun()
    const [first, second] = [await begun(runs, { tenantId }), await begun(runs, { tenantId })]
    await begun(runs, { tenantId })
    await begun(runs, { tenantId, pipeline: 'index-document' })
    const counts = async () =>
      (await runs.backlog())
        .filter((row) => row.tenantId === tenantId)
        .map(({ status, pipeline, count }) => `${pipeline} ${status} ${count}`)
        .toSorted()
    expect(await counts()).toEqual(['index-document queued 1', 'support-ticket queued 3'])
    await move(runs, first.id, completed('clean'))
    await move(runs, second.id, { kind: 'cancelled' })
    expect(await counts()).toEqual(['index-document queued 1', 'support-ticket queued 1', 'support-ticket running 1'])
  })

  test('tells the seq of each run it knows', async () => {
    const runs = open()
    const [still, moved] = [await begun(runs), await begun(runs)]
    await move(runs, moved.id, completed('clean'))
    const known = await runs.seqs([still.id, moved.id, 'run_nobody'])
    expect([...known].toSorted()).toEqual(
      [
        [still.id, 0],
        [moved.id, 1],
      ].toSorted(),
    )
    expect((await runs.seqs([])).size).toBe(0)
  })

  test('a held run is nobody’s to sweep until it is released, the tenants in turns and the oldest of each first', async () => {
    const runs = open()
    await runs.release(EVERYTHING)
    const later = (ms: number) => new Date(NOW.getTime() + ms)
    const big = 'tenant-held-big'
    const small = 'tenant-held-small'
    const made = [2, 1, 3].map((ms) => newRun({ tenantId: big, createdAt: later(ms), held: true }))
    const other = newRun({ tenantId: small, createdAt: later(9), held: true })
    await runs.begin([...made, other])
    expect(await runs.anyHeld()).toBe(true)
    const overdue = (await runs.dispatched(0, EVERYTHING)).map(({ id }) => id)
    expect(overdue).not.toContain(other.id)
    const first = await runs.release(2)
    expect(first.map(({ id }) => id).sort()).toEqual([made[1]!.id, other.id].sort())
    expect(first.find(({ id }) => id === other.id)).toMatchObject({ tenantId: small, step: 'screen', seq: 0, status: 'queued' })
    expect((await runs.dispatched(0, EVERYTHING)).map(({ id }) => id)).toContain(other.id)
    expect((await runs.release(EVERYTHING)).map(({ id }) => id).sort()).toEqual([made[0]!.id, made[2]!.id].sort())
    expect([await runs.release(EVERYTHING), await runs.anyHeld()]).toEqual([[], false])
  })
  test('two processes release a held run once between them', async () => {
    const runs = open()
    const again = open()
    const held = Array.from({ length: 20 }, () => newRun({ held: true }))
    await runs.begin(held)
    const released = (await Promise.all([runs.release(EVERYTHING), again.release(EVERYTHING)])).flat().map(({ id }) => id)
    expect(released.filter((id) => held.some((run) => run.id === id)).sort()).toEqual(held.map(({ id }) => id).sort())
  })
  test('a held run that is cancelled is not released any more', async () => {
    const runs = open()
    const run = await begun(runs, { held: true })
    await runs.record(hopOf(run, { kind: 'cancelled' }))
    expect((await runs.release(EVERYTHING)).map(({ id }) => id)).not.toContain(run.id)
  })
}
