import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { Failure } from '#shared/domain/failure.ts'
import type { CallRecord, UsageGrouping, UsageReport, UsageStore, UsageSum } from '#shared/ports/usage-store.ts'

const SUMS = `count(*) AS calls, coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
  coalesce(sum(output_tokens), 0)::bigint AS output_tokens, coalesce(sum(cache_read_tokens), 0)::bigint AS cache_read_tokens,
  coalesce(sum(cache_write_tokens), 0)::bigint AS cache_write_tokens, coalesce(sum(cost_usd), 0) AS cost_usd`

/** What a call is counted under. */
const GROUPS: Readonly<Record<UsageGrouping, string>> = {
  customer: "coalesce(customer_id, 'unknown')",
  model: "provider || '/' || model",
  step: 'step',
  day: "to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
  tenant: 'tenant_id',
}
const MAX_GROUPS = 1_000

const SumRow = z.object({
  calls: z.number(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  cache_read_tokens: z.number(),
  cache_write_tokens: z.number(),
  cost_usd: z.number(),
})
const RefusalRow = z.object({
  step: z.string(),
  visit: z.int(),
  purpose: z.string(),
  tier: z.string().nullable(),
  reason: z.string(),
  created_at: z.date(),
})
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
    async report(tenantId, from, to, by, filter = {}) {
      const { customer = null, model = null, step = null } = filter
      const ask = (sql: string) => database.forTenant(tenantId, sql, [from, to, customer, model, step])
      return reportFrom(by, await Promise.all(queries(OF_TENANT, by).map(ask)))
    },
    async reportTenants(from, to) {
      const ask = (sql: string) =>
        database.asSystem('a report over all tenants, for whoever runs the installation', sql, [from, to])
      return reportFrom(['tenant'], await Promise.all(queries(OF_ALL, ['tenant']).map(ask)))
    },
    async refusalsOf(tenantId, runId) {
      const sql = `
        SELECT step, visit, purpose, tier, coalesce(reason, '') AS reason, created_at FROM budget_reservations
        WHERE tenant_id = $1 AND run_id = $2 AND state = 'refused' ORDER BY created_at, id`
      return (await database.forTenant(tenantId, sql, [runId])).map((row) => {
        const { created_at, ...refusal } = RefusalRow.parse(row)
        return { ...refusal, createdAt: created_at }
      })
    },
  }
}

/** The calls of the journal, and the embeddings, which are in no journal when they were made at once. */
const callsWhere = (where: string, ofDay: string) => `(
  SELECT tenant_id, customer_id, provider, model, step, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, created_at
  FROM model_calls WHERE ${where}
  UNION ALL
  SELECT tenant_id, customer_id, provider, model, step, input_tokens, 0, 0, 0, cost_nano_usd / 1000000000.0, created_at
  FROM budget_reservations WHERE ${where} AND ${ofDay} AND purpose = 'embed' AND provider IS NOT NULL) AS call`
type Scope = { readonly calls: string; readonly tickets: string }
const OF_TENANT: Scope = {
  calls: callsWhere(
    `tenant_id = $1 AND created_at >= $2 AND created_at < $3 AND ($4::text IS NULL OR coalesce(customer_id, 'unknown') = $4)
      AND ($5::text IS NULL OR provider || '/' || model = $5) AND ($6::text IS NULL OR step = $6)`,
    "day >= ($2::timestamptz - interval '1 day')::date",
  ),
  // A ticket has no model and no step; all three statements get the same parameters, and PostgreSQL wants each of them used.
  tickets: `tenant_id = $1 AND created_at >= $2 AND created_at < $3 AND ($4::text IS NULL OR requester_id = $4)
    AND $5::text IS NOT DISTINCT FROM $5 AND $6::text IS NOT DISTINCT FROM $6`,
}
const OF_ALL: Scope = {
  calls: callsWhere('created_at >= $1 AND created_at < $2', "day >= ($1::timestamptz - interval '1 day')::date"),
  tickets: 'created_at >= $1 AND created_at < $2',
}

const queries = ({ calls, tickets }: Scope, by: readonly UsageGrouping[]) => [
  `SELECT ${SUMS} FROM ${calls}`,
  `SELECT ${by.map((one) => `${GROUPS[one]} AS ${one}`).join(', ')}, ${SUMS} FROM ${calls} GROUP BY ${by.map((_, i) => i + 1).join(', ')}
   ORDER BY ${by.includes('day') ? `${by.indexOf('day') + 1},` : ''} sum(cost_usd) DESC, count(*) DESC, 1 LIMIT ${MAX_GROUPS}`,
  `SELECT count(*) AS tickets FROM tickets WHERE ${tickets}`,
]

const reportFrom = (
  by: readonly UsageGrouping[],
  [totals, groups, tickets]: readonly Record<string, unknown>[][],
): UsageReport => ({
  totals: { ...toSum(totals![0]), tickets: Number(tickets![0]!.tickets) },
  groups: groups!.map((row) => {
    const keys = Object.fromEntries(by.map((one) => [one, String(row[one])]))
    return { group: Object.values(keys).join(' | '), keys, ...toSum(row) }
  }),
})

function toSum(row: unknown): UsageSum {
  const sum = SumRow.parse(row)
  return {
    calls: sum.calls,
    inputTokens: sum.input_tokens,
    outputTokens: sum.output_tokens,
    cacheReadTokens: sum.cache_read_tokens,
    cacheWriteTokens: sum.cache_write_tokens,
    costUsd: sum.cost_usd,
  }
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
