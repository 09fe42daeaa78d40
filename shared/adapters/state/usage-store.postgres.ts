import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { Failure } from '#shared/domain/failure.ts'
import type { CallRecord, UsageGrouping, UsageReport, UsageStore, UsageSum } from '#shared/ports/usage-store.ts'

const SUMS = `count(*) AS calls, coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
  coalesce(sum(output_tokens), 0)::bigint AS output_tokens, coalesce(sum(cost_usd), 0) AS cost_usd`

/** What a call is counted under. */
const GROUPS: Readonly<Record<UsageGrouping, string>> = {
  customer: "coalesce(customer_id, 'unknown')",
  model: "provider || '/' || model",
  step: 'step',
  day: "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
  tenant: 'tenant_id',
}
const MAX_GROUPS = 1_000

const SumRow = z.object({ calls: z.number(), input_tokens: z.number(), output_tokens: z.number(), cost_usd: z.number() })
const CallRow = z.object({
  step: z.string(),
  visit: z.int(),
  task: z.string(),
  tier: z.string(),
  prompt_id: z.string(),
  prompt_version: z.int(),
  prompt_hash: z.string(),
  provider: z.string(),
  model: z.string(),
  failure: Failure.pick({ code: true }).nullable(),
  input_tokens: z.int(),
  output_tokens: z.int(),
  cache_read_tokens: z.int(),
  cache_write_tokens: z.int(),
  cost_usd: z.number(),
  latency_ms: z.int(),
  created_at: z.date(),
})

export function createUsageStore(database: Database): UsageStore {
  return {
    async ofRun(tenantId, runId) {
      const sql = `SELECT ${SUMS} FROM model_calls WHERE tenant_id = $1 AND run_id = $2`
      return toSum((await database.forTenant(tenantId, sql, [runId], 'usage-of-run'))[0])
    },
    async callsOf(tenantId, runId) {
      const sql = `
        SELECT step, visit, task, tier, prompt_id, prompt_version, prompt_hash, provider, model, failure, input_tokens, output_tokens,
          cache_read_tokens, cache_write_tokens, cost_usd, latency_ms, created_at
        FROM model_calls WHERE tenant_id = $1 AND run_id = $2 ORDER BY created_at, failed_try DESC`
      return (await database.forTenant(tenantId, sql, [runId])).map(toCall)
    },
    async report(tenantId, from, to, by) {
      const where = 'tenant_id = $1 AND created_at >= $2 AND created_at < $3'
      const ask = (sql: string) => database.forTenant(tenantId, sql, [from, to])
      return reportFrom(await Promise.all(queries(where, by).map(ask)))
    },
    async reportTenants(from, to) {
      const where = 'created_at >= $1 AND created_at < $2'
      const ask = (sql: string) =>
        database.asSystem('a report over all tenants, for whoever runs the installation', sql, [from, to])
      return reportFrom(await Promise.all(queries(where, 'tenant').map(ask)))
    },
  }
}

const queries = (where: string, by: UsageGrouping) => [
  `SELECT ${SUMS} FROM model_calls WHERE ${where}`,
  `SELECT ${GROUPS[by]} AS "group", ${SUMS} FROM model_calls WHERE ${where} GROUP BY 1
   ORDER BY ${by === 'day' ? '1' : 'sum(cost_usd) DESC, count(*) DESC, 1'} LIMIT ${MAX_GROUPS}`,
  `SELECT count(*) AS tickets FROM tickets WHERE ${where}`,
]

const reportFrom = ([totals, groups, tickets]: readonly Record<string, unknown>[][]): UsageReport => ({
  totals: { ...toSum(totals![0]), tickets: Number(tickets![0]!.tickets) },
  groups: groups!.map((row) => ({ group: String(row.group), ...toSum(row) })),
})

function toSum(row: unknown): UsageSum {
  const { calls, input_tokens, output_tokens, cost_usd } = SumRow.parse(row)
  return { calls, inputTokens: input_tokens, outputTokens: output_tokens, costUsd: cost_usd }
}

function toCall(row: unknown): CallRecord {
  const call = CallRow.parse(row)
  return {
    step: call.step,
    visit: call.visit,
    task: call.task,
    tier: call.tier,
    prompt: { id: call.prompt_id, version: call.prompt_version, hash: call.prompt_hash },
    provider: call.provider,
    model: call.model,
    failureCode: call.failure?.code ?? null,
    inputTokens: call.input_tokens,
    outputTokens: call.output_tokens,
    cacheReadTokens: call.cache_read_tokens,
    cacheWriteTokens: call.cache_write_tokens,
    costUsd: call.cost_usd,
    latencyMs: call.latency_ms,
    createdAt: call.created_at,
  }
}
