import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { beginRun } from '#pipelines/advance.ts'
import { supportTicket } from '#pipelines/support-ticket.ts'
import { createJournal } from '#shared/adapters/state/journal.postgres.ts'
import { createRunLog } from '#shared/adapters/state/run-log.postgres.ts'
import { createTicketStore } from '#shared/adapters/state/ticket-store.postgres.ts'
import { Database } from '#shared/database/client.ts'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { migrate } from '#shared/database/migrate.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { JournalEntry } from '#shared/ports/journal.ts'
import type { Hop, NewRun } from '#shared/ports/run-log.ts'

/**
 * Writes are gathered, and a statement cannot touch a row twice: repeats in one batch are written after the others. While they
 * wait they must not hold what they wait for, or a burst of repeats stops every later write for good.
 */

const now = new Date('2026-11-02T09:00:00Z')
let database: Database

beforeAll(async () => {
  database = new Database(await openPgliteInMemory())
  await migrate(database)
})
afterAll(() => database.close())

/** Calls that arrive over several ticks, so that they fall into several batches that are under way at once. */
async function burst<T>(count: number, call: (i: number) => Promise<T>): Promise<T[]> {
  const calls: Promise<T>[] = []
  for (let i = 0; i < count; i++) {
    calls.push(call(i))
    if (i % 5 === 4) await setImmediate()
  }
  return Promise.all(calls)
}

const newRun = (name: string): NewRun => ({
  id: `run_${name}`,
  tenantId: 'default',
  pipeline: supportTicket.name,
  version: 1,
  subjectId: `tkt_${name}`,
  traceId: '0'.repeat(32),
  state: beginRun(supportTicket, 'standard', now),
  given: { ticket: { id: `tkt_${name}` } },
  createdAt: now,
})

test('a hundred tickets under one key in several batches make one ticket, and the store goes on', async () => {
  const tickets = createTicketStore(database)
  const arrival = (name: string, key: string) => ({
    ticket: {
      id: `tkt_${name}`,
      tenantId: 'default',
      conversationId: 'cnv_1',
      subject: '',
      body: 'hello',
      channel: 'api' as const,
      requester: { id: 'r' },
      tier: 'standard' as const,
      lane: 'standard' as const,
      receivedAt: now.toISOString(),
    },
    run: newRun(name),
    idempotency: { key, route: 'POST /v1/tickets', bodyHash: 'h' },
  })
  const results = await burst(100, (i) => tickets.accept(arrival(`same-${i}`, 'same')))
  expect(results.filter(({ kind }) => kind === 'accepted')).toHaveLength(1)
  expect(results.filter(({ kind }) => kind === 'replayed')).toHaveLength(99)
  expect(new Set(results.flatMap((result) => (result.kind === 'replayed' ? [result.ticketId] : []))).size).toBe(1)
  expect(await tickets.accept(arrival('another', 'another'))).toEqual({ kind: 'accepted' })
})

test('a hundred hops of one run in several batches move it once, and the log goes on', async () => {
  const runs = createRunLog(database)
  const [run, other] = [newRun('hops'), newRun('other')]
  await runs.begin([run, other])
  const hop = ({ id, state }: NewRun): Hop => ({
    runId: id,
    tenantId: 'default',
    pipeline: supportTicket.name,
    seq: 0,
    step: 'screen',
    attempt: 1,
    visit: 1,
    result: 'clean',
    failure: null,
    factsWritten: {},
    next: { ...state, status: 'running', step: 'recall', seq: 1 },
    dueAt: now,
    deadLetter: null,
    startedAt: now,
    endedAt: now,
    worker: 'w',
  })
  const moved = await burst(100, () => runs.record(hop(run)))
  expect(moved.filter(Boolean)).toHaveLength(1)
  expect(await runs.record(hop(other))).toBe(true)
})

test('a hundred entries under one key in several batches are one entry, and the journal goes on', async () => {
  const journal = createJournal(database)
  const entry = (runId: string, text: string): JournalEntry => ({
    key: { tenantId: 'default', runId, step: 'generate', visit: 1, requestHash: 'h' },
    task: 'generate',
    tier: 'standard',
    prompt: { id: 'p', version: 1, hash: 'h' },
    provider: 'simulated',
    model: 'm',
    usage: NO_USAGE,
    costUsd: 0,
    latencyMs: 1,
    startedAt: now,
    result: { kind: 'reply', text },
  })
  await burst(100, (i) => journal.record(entry('run_same', `reply ${i}`)))
  await journal.record(entry('run_other', 'another'))
  expect((await journal.find(entry('run_other', '').key))?.result.text).toBe('another')
  expect(await database.asSystem('test', 'SELECT 1 FROM model_calls WHERE run_id = $1', ['run_same'])).toHaveLength(1)
})
