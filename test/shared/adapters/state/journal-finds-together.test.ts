import { afterAll, beforeAll, expect, test } from 'vitest'
import { createJournal } from '#shared/adapters/state/journal.postgres.ts'
import { Database } from '#shared/database/client.ts'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { migrate } from '#shared/database/migrate.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { JournalEntry, JournalKey } from '#shared/ports/journal.ts'

let database: Database
beforeAll(async () => {
  database = new Database(await openPgliteInMemory())
  await migrate(database)
})
afterAll(() => database.close())

const keyOf = (tenantId: string, runId: string, visit = 1): JournalKey => ({
  tenantId,
  runId,
  step: 'generate',
  visit,
  requestHash: 'h',
})
const entryOf = (key: JournalKey, text: string): JournalEntry => ({
  key,
  task: 'generate',
  tier: 'standard',
  prompt: { id: 'p', version: 1, hash: 'h' },
  provider: 'simulated',
  model: 'm',
  usage: NO_USAGE,
  costUsd: 0,
  latencyMs: 1,
  startedAt: new Date('2026-11-01T10:00:00Z'),
  result: { kind: 'reply', text },
})

test('askers that come together each get their own reply, in whatever order, and nobody that of another tenant', async () => {
  const journal = createJournal(database)
  await Promise.all([
    journal.record(entryOf(keyOf('acme', 'run_1'), 'one')),
    journal.record(entryOf(keyOf('acme', 'run_1', 2), 'one again')),
    journal.record(entryOf(keyOf('globex', 'run_2'), 'two')),
  ])
  const asked = [
    keyOf('globex', 'run_2'),
    keyOf('acme', 'run_2'),
    keyOf('acme', 'run_1', 2),
    keyOf('acme', 'run_unknown'),
    keyOf('acme', 'run_1'),
    keyOf('acme', 'run_1'),
  ]
  const found = await Promise.all(asked.map((key) => journal.find(key)))
  expect(found.map((reply) => reply?.result.text)).toEqual(['two', undefined, 'one again', undefined, 'one', 'one'])
})
