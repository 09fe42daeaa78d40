import * as z from 'zod'
import { beginRun } from '#pipelines/advance.ts'
import { supportTicket } from '#pipelines/support-ticket.ts'
import { createAnthropicBatchProvider } from '#shared/adapters/models/batch-provider.anthropic.ts'
import { createOpenAiBatchProvider } from '#shared/adapters/models/batch-provider.openai.ts'
import { createJournaledLlm } from '#shared/adapters/models/llm.journaled.ts'
import { createOfflineLlm } from '#shared/adapters/models/llm.offline.ts'
import { createBatchRequests } from '#shared/adapters/state/batch-requests.postgres.ts'
import { createBatchStore } from '#shared/adapters/state/batch-store.postgres.ts'
import { createJournal } from '#shared/adapters/state/journal.postgres.ts'
import { createRunLog } from '#shared/adapters/state/run-log.postgres.ts'
import type { Database } from '#shared/database/client.ts'
import { DEFAULT_THRESHOLDS } from '#shared/domain/batch.ts'
import { createPrices } from '#shared/domain/price.ts'
import type { PlannedCall } from '#shared/domain/routing.ts'
import type { BatchProvider } from '#shared/ports/batch-provider.ts'
import { memoryEngine, nobodyElse } from '#test/fakes/engine.memory.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'
import { sampleTenant, sampleTicket } from '#test/fakes/sample-facts.ts'
import type { Simulator } from '#test/simulator/simulator.ts'
import { type BatchDesk, DEFAULT_PACE } from '#workers/batch/batch-desk.ts'
import { workOn } from '#workers/batch/batch-worker.ts'
import { collect } from '#workers/batch/collect.ts'
import { wake } from '#workers/batch/wake.ts'
import { runStep } from '#workers/run-step.ts'
import { steps } from '#workers/steps.ts'

export const Verdict = z.object({ intent: z.enum(['invoice', 'login']), confidence: z.number() })
/** What the model says when it is asked synchronously. */
export const SYNC_REPLY = JSON.stringify({ intent: 'login', confidence: 0.25 })
const LATE_MS = 60_000

/** The offline lane over a real database and the simulator, driven by hand: no queue, and the clock of the machine. */
export function batchWorld(database: Database, simulator: Simulator, first: 'openai' | 'anthropic' = 'openai') {
  const clock = { now: () => new Date(), random: Math.random }
  const prices = createPrices()
  const options = { apiKey: 'simulated', prices, clock }
  const openAi = createOpenAiBatchProvider({ ...options, baseUrl: `${simulator.url}/v1` })
  const anthropic = createAnthropicBatchProvider({ ...options, baseUrl: simulator.url })
  const providers: BatchProvider[] = [openAi, anthropic]
  const model = { openai: 'gpt-6-luna', anthropic: 'claude-haiku-5-5' }[first]
  const plan = (): PlannedCall[] => [{ provider: first, model }]
  const journal = createJournal(database)
  const requests = createBatchRequests(database)
  const batches = createBatchStore(database)
  const runs = createRunLog(database)
  const sync = createScriptedLlm([SYNC_REPLY], 'sync-model')
  const llm = createJournaledLlm(createOfflineLlm(sync, { requests, journal, prices, providers, plan, clock }), {
    journal,
    clock,
  })

  const world = memoryEngine({}, sampleTenant({}, 'default'))
  const table = {
    ...steps,
    'support-ticket': {
      ...steps['support-ticket'],
      classify: async (
        _facts: unknown,
        deps: { llm: typeof llm },
        context: { call: never; subjectId: string; signal: AbortSignal },
      ) => {
        const reply = await deps.llm.generate(
          {
            task: 'classify',
            tier: 'cheap',
            prompt: { id: 'classify-ticket', version: 1, hash: 'h' },
            system: 'Classify the ticket.',
            messages: [{ role: 'user', content: `What does ticket ${context.subjectId} want?` }],
            schema: { name: 'triage', type: Verdict },
            maxOutputTokens: 200,
            call: context.call,
          },
          { signal: context.signal },
        )
        return {
          outcome: 'spam',
          facts: { triage: { ...TRIAGE, intent: reply.value.intent, confidence: reply.value.confidence } },
        }
      },
    },
  }
  const engine = { ...world.engine, clock, runs, deps: { ...world.engine.deps, llm } }
  const desk: BatchDesk = {
    ...engine,
    batches,
    batchProviders: providers,
    thresholds: { ...DEFAULT_THRESHOLDS, ageMs: 0 },
    pace: { ...DEFAULT_PACE, firstPollMs: 10, maxPollMs: 50, createSettleMs: 300, leaseMs: 5_000, applyRows: 7 },
  }

  async function work(runId: string): Promise<string> {
    const run = (await runs.load(runId))!
    const job = { runId, seq: run.seq }
    await runStep(engine as never, table as never, nobodyElse, job, new AbortController().signal)
    return (await runs.load(runId))!.status
  }

  return {
    database,
    desk,
    runs,
    batches,
    requests,
    journal,
    sync,
    log: world.log,
    work,
    openAi,
    anthropic,
    /** Tickets of the offline lane that stand before `classify`. */
    async begin(n: number, name: string, deadlineAt?: Date): Promise<string[]> {
      const now = clock.now()
      const ids = Array.from({ length: n }, (_, i) => `run_${name}${String(i).padStart(4, '0')}`)
      const state = {
        ...beginRun(supportTicket, 'offline', now),
        step: 'classify',
        status: 'running' as const,
        visits: { classify: 1 },
      }
      await runs.begin(
        ids.map((id) => ({
          id,
          tenantId: 'default',
          pipeline: supportTicket.name,
          version: supportTicket.version,
          subjectId: `tkt_of_${id}`,
          traceId: id,
          state: { ...state, deadlineAt: deadlineAt ?? state.deadlineAt },
          given: { ticket: sampleTicket({ id: `tkt_of_${id}`, tenantId: 'default', lane: 'offline' }), screened: SCREENED },
          createdAt: now,
        })),
      )
      return ids
    },
    /** Works each run once: to its parking, or to its end. */
    workAll: (ids: readonly string[]) => Promise.all(ids.map(work)),
    /** One round of everything the batch worker does, each job once. */
    async round(all = true): Promise<void> {
      await collect(desk, all)
      for (const { id, seq } of await batches.overdue(-LATE_MS, 1_000))
        await workOn(desk, { runId: id, seq }, new AbortController().signal)
      await wake(desk)
    },
    /** Rounds until no run is parked, working the woken ones. */
    async finish(ids: readonly string[], limitMs = 20_000): Promise<void> {
      const until = Date.now() + limitMs
      for (;;) {
        await this.round()
        const states = await Promise.all(ids.map(async (id) => [id, (await runs.load(id))!.status] as const))
        await this.workAll(states.filter(([, status]) => status === 'running').map(([id]) => id))
        if (states.every(([, status]) => status !== 'parked' && status !== 'running')) return
        if (Date.now() > until)
          throw new Error(
            `still not at rest: ${JSON.stringify(
              Map.groupBy(states, ([, status]) => status)
                .keys()
                .toArray(),
            )}`,
          )
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    async triageOf(id: string) {
      return (await runs.load(id))!.facts.triage as { intent: string; confidence: number } | undefined
    },
    async costUsd(ids: readonly string[]): Promise<number> {
      const sql = 'SELECT COALESCE(sum(cost_usd), 0)::float8 AS usd FROM model_calls WHERE run_id = ANY($1)'
      return Number((await database.asSystem('the test adds up', sql, [ids]))[0]!.usd)
    },
    async requestStates(): Promise<Record<string, number>> {
      const rows = await database.asSystem(
        'the test counts',
        'SELECT state, count(*)::int AS n FROM batch_requests GROUP BY state',
      )
      return Object.fromEntries(rows.map((row) => [String(row.state), Number(row.n)]))
    },
    /** Nothing of one test is left for the next one. */
    async forget(): Promise<void> {
      await database.asSystem(
        'tests begin empty',
        'TRUNCATE batch_requests, batches, runs, attempts, model_calls, webhook_receipts',
      )
    },
  }
}
export type BatchWorld = ReturnType<typeof batchWorld>

const SCREENED = {
  subject: '',
  text: 'x',
  language: 'en',
  languageConfidence: 1,
  placeholders: [],
  injection: { score: 0, rules: [] },
  reasons: [],
  truncated: false,
}
const TRIAGE = {
  decidedBy: 'model',
  severity: 'P3',
  sentiment: 'neutral',
  legalThreat: false,
  wantsPerson: false,
  entities: [],
  query: 'x',
  complexity: 0,
  reasons: [],
}
