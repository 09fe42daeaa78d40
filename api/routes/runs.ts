import * as z from 'zod'
import { maskFacts } from '#shared/domain/mask-facts.ts'
import type { Attempt, Run } from '#shared/domain/run.ts'
import type { CallRecord } from '#shared/ports/usage-store.ts'
import type { App } from '../app.ts'
import { maySeeRaw } from '../auth.ts'
import type { ApiDeps } from '../deps.ts'
import { notFound } from '../problem.ts'
import { ById, CallSums, Moment, responses } from '../schemas.ts'

const Call = z.object({
  task: z.string(),
  tier: z.string(),
  prompt: z.object({ id: z.string(), version: z.int(), hash: z.string() }),
  provider: z.string(),
  model: z.string(),
  failureCode: z.string().nullable(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  cacheReadTokens: z.int(),
  cacheWriteTokens: z.int(),
  costUsd: z.number(),
  latencyMs: z.number(),
  createdAt: Moment,
})
const AttemptView = z.object({
  seq: z.int(),
  step: z.string(),
  attempt: z.int(),
  visit: z.int(),
  result: z.string(),
  failure: z.object({ kind: z.string(), code: z.string(), message: z.string().nullable() }).nullable(),
  facts: z.record(z.string(), z.unknown()),
  next: z.object({ status: z.string(), step: z.string(), attempt: z.int() }),
  startedAt: Moment,
  endedAt: Moment,
  durationMs: z.number(),
  worker: z.string(),
  calls: z.array(Call),
})
const Timeline = z.object({
  runId: z.string(),
  pipeline: z.string(),
  version: z.int(),
  subjectId: z.string(),
  traceId: z.string(),
  lane: z.string(),
  status: z.string(),
  step: z.string(),
  seq: z.int(),
  createdAt: Moment,
  updatedAt: Moment,
  endedAt: Moment.nullable(),
  deadlineAt: Moment,
  dueAt: Moment,
  attempts: z.array(AttemptView),
  usage: CallSums,
  /** Where the budget sent the run down the ladder: which limit, what it had left, what came next. */
  budgetRefusals: z.array(
    z.object({
      step: z.string(),
      visit: z.int(),
      purpose: z.string(),
      tier: z.string().nullable(),
      reason: z.string(),
      createdAt: Moment,
    }),
  ),
})

const callView = ({ step: _step, visit: _visit, createdAt, ...call }: CallRecord): z.infer<typeof Call> => ({
  ...call,
  createdAt: createdAt.toISOString(),
})

/** @param raw the caller may see what the customer wrote; messages of failures may quote it */
function attemptView(attempt: Attempt, calls: readonly CallRecord[], raw: boolean): z.infer<typeof AttemptView> {
  const { seq, step, visit, result, failure, factsWritten, next, startedAt, endedAt, worker } = attempt
  return {
    seq,
    step,
    attempt: attempt.attempt,
    visit,
    result,
    failure: failure && { kind: failure.kind, code: failure.code, message: raw ? failure.message : null },
    facts: raw ? factsWritten : maskFacts(factsWritten),
    next,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    durationMs: endedAt.getTime() - startedAt.getTime(),
    worker,
    calls: calls.map(callView),
  }
}

/**
 * The journal knows step and visit of a call, not the attempt: calls go to the attempt of that visit during which they were made
 * (the last one that began before them).
 */
function callsByAttempt(attempts: readonly Attempt[], calls: readonly CallRecord[]): Map<Attempt, CallRecord[]> {
  const grouped = new Map<Attempt, CallRecord[]>()
  for (const call of calls) {
    const visit = attempts.filter((one) => one.step === call.step && one.visit === call.visit)
    const during = visit.findLast((one) => one.startedAt <= call.createdAt) ?? visit[0]
    if (during) grouped.set(during, [...(grouped.get(during) ?? []), call])
  }
  return grouped
}

const headOf = (run: Run) => ({
  runId: run.id,
  pipeline: run.pipeline,
  version: run.version,
  subjectId: run.subjectId,
  traceId: run.traceId,
  lane: run.lane,
  status: run.status,
  step: run.step,
  seq: run.seq,
  createdAt: run.createdAt.toISOString(),
  updatedAt: run.updatedAt.toISOString(),
  endedAt: run.endedAt?.toISOString() ?? null,
  deadlineAt: run.deadlineAt.toISOString(),
  dueAt: run.dueAt.toISOString(),
})

export function runRoutes(app: App, deps: ApiDeps): void {
  app.get(
    '/runs/:id',
    {
      config: { roles: ['read', 'agent', 'operator'] },
      schema: { tags: ['operations'], summary: 'The timeline of a run', params: ById, response: responses({ 200: Timeline }) },
    },
    async ({ caller, params }) => {
      const run = await deps.runs.load(params.id)
      if (run?.tenantId !== caller.tenant.id) throw notFound('run')
      const [attempts, calls, usage, refusals] = await Promise.all([
        deps.runs.attempts(run.tenantId, run.id),
        deps.usage.callsOf(run.tenantId, run.id),
        deps.usage.ofRun(run.tenantId, run.id),
        deps.usage.refusalsOf(run.tenantId, run.id),
      ])
      const grouped = callsByAttempt(attempts, calls)
      const raw = maySeeRaw(caller.roles)
      const views = attempts.map((one) => attemptView(one, grouped.get(one) ?? [], raw))
      const budgetRefusals = refusals.map((one) => ({ ...one, createdAt: one.createdAt.toISOString() }))
      return { ...headOf(run), attempts: views, usage, budgetRefusals }
    },
  )
}
