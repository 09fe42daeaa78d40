import { randomBytes } from 'node:crypto'
import { batchDesk } from '#cli/start-batches.ts'
import { startDocumentSets } from '#cli/start-document-sets.ts'
import { allQueues } from '#pipelines/registry.ts'
import { DEFAULT_THRESHOLDS } from '#shared/domain/batch.ts'
import { TenantConfig } from '#shared/domain/tenant.ts'
import { createLog, type Doors, openDoors } from '#shared/wiring.ts'
import { countBacklog } from '#workers/backlog.ts'
import { BATCH_PIPELINE, batchQueues } from '#workers/batch/batch-desk.ts'
import { wake } from '#workers/batch/wake.ts'
import { documentSetQueues } from '#workers/document-sets/set-desk.ts'
import type { Engine } from '#workers/engine.ts'
import { startWorkers } from '#workers/host.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { type BatchBench, type BatchProviderName, batchBenchConfig } from '../batch-config.ts'
import { documentWorkload } from '../document-workload.ts'
import { type OfflineWorkload, ticketWorkload } from '../offline-workload.ts'
import { answerCalls } from '../side.ts'

/** The product without its batch worker: accepts work of the offline lane, runs its steps, and looks at what came of it. */
let workload: OfflineWorkload = ticketWorkload
let opened: Awaited<ReturnType<typeof openSide>>

async function openSide(bench: BatchBench) {
  workload = bench.workload === 'documents' ? documentWorkload : ticketWorkload
  const config = batchBenchConfig(bench)
  const log = createLog('silent')
  const queueNames = [...allQueues().map(({ queue }) => queue), ...batchQueues(), ...documentSetQueues()]
  const doors = await openDoors({ config, redisUrl: bench.redisUrl, queueNames, log, prefix: 'bench-batch' })
  const budgets = workload.tenantConfig
  await doors.tenants.create({ id: 'default', name: 'Bench', config: TenantConfig.parse(budgets), createdAt: doors.clock.now() })
  const backlog = await countBacklog(doors.runs, log)
  const engine: Engine = {
    ...doors,
    worker: `worker-${process.pid}`,
    backlogOf: backlog.of,
    deps: { ...doors, prompts: loadPrompts() },
  }
  const host = startWorkers(engine, workload.steps, doors.createConsumer())
  const sets = startDocumentSets(doors, engine)
  return { doors, engine, backlog, host, sets }
}

const query = (doors: Doors, sql: string, params: readonly unknown[] = []) =>
  doors.database.asSystem('the benchmark checks what it measured', sql, params)

async function begin({ n, bodyBytes }: { readonly n: number; readonly bodyBytes: number }): Promise<void> {
  const { doors } = opened
  for (let first = 0; first < n; first += 500) await workload.begin(doors, first, Math.min(500, n - first), bodyBytes)
}

/** What the log and the books say. */
async function state() {
  const { doors } = opened
  const [row] = await query(
    doors,
    `SELECT (SELECT count(*) FROM runs WHERE lane = 'offline' AND ended_at IS NOT NULL)::int AS ended,
       (SELECT count(*) FROM runs WHERE lane = 'offline' AND status = 'parked')::int AS parked,
       (SELECT count(*) FROM (SELECT run_id FROM attempts WHERE result = $1 GROUP BY run_id HAVING count(*) = 1) one)::int AS results,
       (SELECT count(*) FROM (SELECT run_id FROM attempts WHERE result = $1 GROUP BY run_id HAVING count(*) > 1) more)::int AS repeated,
       (SELECT count(*) FROM document_set_items WHERE state = 'done' AND result IS NOT NULL)::int AS kept,
       (SELECT COALESCE(sum(cost_usd), 0)::float8 FROM model_calls) AS cost,
       (SELECT count(*)::int FROM batch_requests) AS asked,
       (SELECT count(*)::int FROM batch_requests WHERE state IN ('answered', 'failed', 'spilled')) AS settled,
       (SELECT count(*)::int FROM batch_requests WHERE state = 'spilled') AS spilled,
       (SELECT count(*)::int FROM batches) AS batches`,
    [workload.result],
  )
  return row
}

const FILLED = {
  openai: { model: 'gpt-6-luna', endpoint: '/v1/chat/completions' },
  anthropic: { model: 'claude-haiku-5-5', endpoint: '/v1/messages' },
} as const

/** Requests as they stand in the table, without runs: to measure assembly alone. @returns their bytes */
async function fill({ n, bodyBytes, provider }: { n: number; bodyBytes: number; provider: BatchProviderName }): Promise<number> {
  const { doors } = opened
  // Older than requests wait for others: few of them go out at once, too.
  const now = new Date(doors.clock.now().getTime() - 2 * DEFAULT_THRESHOLDS.ageMs)
  const spillAt = new Date(now.getTime() + 86_400_000)
  let bytes = 0
  for (let first = 0; first < n; first += 1_000) {
    const many = Array.from({ length: Math.min(1_000, n - first) }, (_, i) => {
      const id = `brq_fill${String(first + i).padStart(22, '0')}`
      const content = randomBytes(bodyBytes / 2).toString('hex')
      const limit = provider === 'openai' ? { max_completion_tokens: 50 } : { max_tokens: 50 }
      const { model, endpoint } = FILLED[provider]
      const body = JSON.stringify({ model, messages: [{ role: 'user', content }], ...limit })
      bytes += body.length
      const key = { tenantId: 'default', runId: `run_${id}`, step: 'classify', visit: 1, requestHash: id }
      const prompt = { id: 'bench', version: 1, hash: 'x' }
      return {
        id,
        key,
        task: 'classify',
        tier: 'cheap',
        prompt,
        provider,
        model,
        endpoint,
        body,
        inputTokens: bodyBytes / 4,
        spillAt,
        createdAt: now,
      } as const
    })
    await Promise.all(many.map((request) => doors.batchRequests.ask(request)))
  }
  return bytes
}

/**
 * The newest batch: `seconds` from its packing until the provider had it (null while it has not), and how many of its requests are
 * still `open`. Undefined before there is one.
 */
async function assembled(): Promise<Record<string, unknown> | undefined> {
  const sql = `SELECT state, requests, EXTRACT(EPOCH FROM submitted_at - created_at)::float8 AS seconds,
      (SELECT count(*)::int FROM batch_requests WHERE state IN ('queued', 'packed')) AS open
    FROM batches ORDER BY created_at DESC LIMIT 1`
  return (await query(opened.doors, sql))[0]
}

/** Parks `n` runs whose replies are there already, and wakes them with nobody working on them. @returns runs a second */
async function resume({ n }: { readonly n: number }): Promise<number> {
  const { doors, engine } = opened
  await workload.begin(doors, 1_000_000, n, 100)
  await query(doors, "UPDATE runs SET status = 'parked', due_at = now() + interval '1 day' WHERE status = 'queued'")
  const insert = `INSERT INTO batch_requests (id, tenant_id, run_id, step, visit, request_hash, task, tier, prompt_id, prompt_version, prompt_hash,
      provider, model, endpoint, body, bytes, input_tokens, state, spill_at, wake_at, created_at)
    SELECT 'brq_' || id, tenant_id, id, step, 1, 'x', 'classify', 'cheap', 'bench', 1, 'x', 'openai', 'gpt-6-luna', '/v1/chat/completions', '', 0, 0,
      'answered', now(), now(), now() FROM runs WHERE status = 'parked'`
  await query(doors, insert)
  const desk = batchDesk(doors, engine, { pace: { wakeEveryMs: 1_000, wakePerSecond: 1_000 } })
  const startedAt = performance.now()
  let woken = 0
  while (woken < n) woken += await wake(desk)
  return woken / ((performance.now() - startedAt) / 1_000)
}

async function open(bench: BatchBench): Promise<void> {
  opened = await openSide(bench)
}
/** No step is worked on any more: what is measured next has the machine to itself. */
async function stopWorking(): Promise<void> {
  await opened.sets.stop()
  await opened.host.stop()
}

answerCalls({ open, begin, state, fill, assembled, resume, stopWorking, pipeline: async () => BATCH_PIPELINE }, async () => {
  if (!opened) return
  await stopWorking().catch(() => {})
  opened.backlog.stop()
  await opened.doors.close()
})
