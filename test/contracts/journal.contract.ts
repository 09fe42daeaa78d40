import { describe, expect, it } from 'vitest'
import { retryable } from '#shared/domain/failure.ts'
import type { Journal, JournalEntry, JournalKey } from '#shared/ports/journal.ts'

const KEY: JournalKey = { tenantId: 'default', runId: 'run_1', step: 'generate', visit: 1, requestHash: 'a'.repeat(64) }
const entry = (over: Partial<JournalEntry> = {}): JournalEntry => ({
  key: KEY,
  task: 'generate',
  tier: 'standard',
  prompt: { id: 'answer', version: 3, hash: 'abc' },
  customerId: 'customer-7',
  provider: 'openai',
  model: 'gpt-6.1-terra',
  usage: { inputTokens: 1_200, outputTokens: 80, cacheReadTokens: 1_024, cacheWriteTokens: 0 },
  costUsd: 0.000_627_2,
  latencyMs: 812,
  startedAt: new Date('2026-11-21T10:00:00.123Z'),
  result: { kind: 'reply', text: '{"answerable":true,"note":"naïve – 日本語 🙂"}' },
  ...over,
})

/** What every journal promises. @param make an empty journal in which the tenants and runs of the keys may be used */
export function journalContract(name: string, make: () => Promise<Journal>) {
  describe(name, () => {
    it('finds a recorded reply as it was recorded', async () => {
      const journal = await make()
      await journal.record(entry())
      expect(await journal.find(KEY)).toEqual(entry())
    })

    it('finds nothing under a key that differs in any part', async () => {
      const journal = await make()
      await journal.record(entry())
      const others: JournalKey[] = [
        { ...KEY, tenantId: 'other' },
        { ...KEY, runId: 'run_2' },
        { ...KEY, step: 'verify' },
        { ...KEY, visit: 2 },
        { ...KEY, requestHash: 'b'.repeat(64) },
      ]
      for (const key of others) expect(await journal.find(key)).toBeUndefined()
    })

    it('never finds a failure, however many there are', async () => {
      const journal = await make()
      const { failure } = retryable('provider-bad-reply', 'not JSON', 5)
      await journal.record(entry({ result: { kind: 'failed', failure } }))
      await journal.record(entry({ result: { kind: 'failed', failure } }))
      expect(await journal.find(KEY)).toBeUndefined()
      await journal.record(entry())
      await journal.record(entry({ result: { kind: 'failed', failure } }))
      expect(await journal.find(KEY)).toEqual(entry())
    })

    it('finds the latest of two replies, and records without a customer', async () => {
      const journal = await make()
      const { customerId: _, ...anonymous } = entry({ result: { kind: 'reply', text: '{"second":true}' } })
      await journal.record(entry())
      await journal.record(anonymous)
      expect(await journal.find(KEY)).toEqual(anonymous)
    })
  })
}
