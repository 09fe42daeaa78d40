import { describe, expect, test } from 'vitest'
import { createRunLog } from '#shared/adapters/state/run-log.postgres.ts'
import { RunState } from '#shared/domain/run.ts'
import { hopOf, NOW, newRun, runLogContract } from '#test/contracts/run-log.contract.ts'
import { memoryRunLog } from '#test/fakes/run-log.memory.ts'
import { onEveryDatabase } from '#test/servers/databases.ts'

describe('in memory', () => {
  const runs = memoryRunLog(() => NOW)
  runLogContract(() => runs)
})

onEveryDatabase((database) => {
  runLogContract(() => createRunLog(database()))

  test('the whole state of a run stands in the last row of its log', async () => {
    const runs = createRunLog(database())
    const run = newRun()
    await runs.begin([run])
    const start = (await runs.load(run.id))!
    const failure = { kind: 'retryable', code: 'later', message: 'm' } as const
    await runs.record(hopOf(start, { kind: 'failed', failure }))
    await runs.record(hopOf((await runs.load(run.id))!, { kind: 'completed', outcome: 'clean', facts: {} }))
    const after = (await runs.load(run.id))!
    const sql = 'SELECT next FROM attempts WHERE tenant_id = $1 AND run_id = $2 ORDER BY seq DESC LIMIT 1'
    const [row] = await database().forTenant(run.tenantId, sql, [run.id])
    const next = row!.next as { deadlineAt: string }
    expect(RunState.parse({ ...next, deadlineAt: new Date(next.deadlineAt) })).toEqual(RunState.parse(after))
  })

  test('a hop that the database refuses fails alone; the hops beside it are written', async () => {
    const runs = createRunLog(database())
    const many = Array.from({ length: 5 }, () => newRun())
    await runs.begin(many)
    const hops = await Promise.all(
      many.map(async ({ id }, i) => {
        const hop = hopOf((await runs.load(id))!, { kind: 'completed', outcome: 'clean', facts: {} })
        return i === 2 ? { ...hop, attempt: 2 ** 40 } : hop
      }),
    )
    const results = await Promise.allSettled(hops.map((hop) => runs.record(hop)))
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'refused'))).toEqual([
      ...[true, true, 'refused', true, true],
    ])
  })

  test('what jsonb cannot hold does not lose the hop', async () => {
    const runs = createRunLog(database())
    const run = newRun()
    await runs.begin([run])
    const facts = { draft: { text: 'a\u0000b\ud800', ['k\u0000']: 1 } }
    expect(await runs.record(hopOf((await runs.load(run.id))!, { kind: 'completed', outcome: 'clean', facts }))).toBe(true)
    expect((await runs.load(run.id))!.facts.draft).toEqual({ text: 'a\uFFFDb\uFFFD', 'k\uFFFD': 1 })
  })
})
