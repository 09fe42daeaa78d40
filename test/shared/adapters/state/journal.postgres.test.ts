import { expect, test } from 'vitest'
import { createJournal } from '#shared/adapters/state/journal.postgres.ts'
import type { Database } from '#shared/database/client.ts'
import { retryable } from '#shared/domain/failure.ts'
import type { JournalEntry } from '#shared/ports/journal.ts'
import { journalContract } from '#test/contracts/journal.contract.ts'
import { onEveryDatabase } from '#test/servers/databases.ts'

let names = 0
const entry = (runId: string, result: JournalEntry['result']): JournalEntry => ({
  key: { tenantId: 'acme', runId, step: 'generate', visit: 1, requestHash: 'h' },
  task: 'generate',
  tier: 'standard',
  prompt: { id: 'answer', version: 3, hash: 'abc' },
  provider: 'openai',
  model: 'gpt-6.1-terra',
  usage: { inputTokens: 1, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0 },
  costUsd: 0.00000001,
  latencyMs: 1.4,
  startedAt: new Date('2026-11-21T10:00:00.123Z'),
  result,
})
const failed = (code: string): JournalEntry['result'] => ({ kind: 'failed', failure: retryable(code, 'm').failure })
const rowsOf = (database: Database, runId: string) =>
  database.forTenant(
    'acme',
    "SELECT failed_try, failure->>'code' AS code, reply, cost_usd, latency_ms FROM model_calls WHERE tenant_id = $1 AND run_id = $2 ORDER BY failed_try",
    [runId],
  )

onEveryDatabase((database) => {
  journalContract('the journal in the database', async () => {
    await database().asSystem('a test starts empty', 'DELETE FROM model_calls')
    return createJournal(database())
  })

  test('every failed call keeps a row of its own, beside the one reply, also when all are recorded at once', async () => {
    const journal = createJournal(database())
    const runId = `run_${++names}`
    const codes = ['first', 'second', 'third']
    const all = [...codes.map((code) => entry(runId, failed(code))), entry(runId, { kind: 'reply', text: 'yes' })]
    await Promise.all(all.map((one) => journal.record(one)))
    expect(await rowsOf(database(), runId)).toEqual([
      { failed_try: 0, code: null, reply: 'yes', cost_usd: 0.00000001, latency_ms: 1 },
      ...codes.map((code, i) => ({ failed_try: i + 1, code, reply: null, cost_usd: 0.00000001, latency_ms: 1 })),
    ])
  })

  test('the last of many replies under one key stands, in the order they were recorded', async () => {
    const journal = createJournal(database())
    const runId = `run_${++names}`
    await Promise.all(Array.from({ length: 30 }, (_, i) => journal.record(entry(runId, { kind: 'reply', text: `reply ${i}` }))))
    expect((await journal.find(entry(runId, failed('x')).key))?.result.text).toBe('reply 29')
    expect(await rowsOf(database(), runId)).toHaveLength(1)
  })

  test('a reply with characters that PostgreSQL refuses is kept', async () => {
    const journal = createJournal(database())
    const runId = `run_${++names}`
    await journal.record(entry(runId, { kind: 'reply', text: 'a\u0000b\ud800' }))
    expect((await journal.find(entry(runId, failed('x')).key))?.result.text).toBe('a\uFFFDb\uFFFD')
  })
})
