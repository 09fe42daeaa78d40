import * as z from 'zod'
import type { Pipeline } from '#pipelines/pipeline.ts'
import { pipelineNamed, queueName } from '#pipelines/registry.ts'
import { durationMs } from '#shared/domain/duration.ts'
import { failureOf, Parked, retryable, StepFailure } from '#shared/domain/failure.ts'
import { DISPATCHED, type Run, type RunEvent } from '#shared/domain/run.ts'
import { KeyMissing } from '#shared/domain/sealed.ts'
import type { Tenant } from '#shared/domain/tenant.ts'
import { Ticket } from '#shared/domain/ticket.ts'
import { spanIdOf } from '#shared/domain/trace.ts'
import type { Job, JobResult } from '#shared/ports/consumer.ts'
import type { Dispatch } from '#shared/ports/dispatcher.ts'
import type { Engine } from './engine.ts'
import type { HeldEvents } from './held-events.ts'
import { moveRun } from './move-run.ts'
import type { Overtaken } from './overtaken.ts'
import type { AnyStep, StepContext, StepTable } from './step.ts'
import { Stopped } from './stopped.ts'

/** Of a ticket, what tells whose money its calls spend. */
const Payer = Ticket.pick({ requester: true, tier: true, conversationId: true })

const DONE: JobResult = { kind: 'done' }
/** While the database is away every job comes back soon: it, not the queue, knows what is to be done. */
const STORE_AWAY_DELAY_MS = 1_000
/** A process without the key must not fail runs that another one, or this one after a restart with the key, can go on with. */
const KEY_MISSING_DELAY_MS = 10_000

/**
 * How a job stands among those that are done in one go.
 * @property unqueued it is in no queue, so the sweeper has to be told that somebody is at it
 */
export type Chain = { readonly held?: HeldEvents; readonly unqueued?: boolean }
/** What came of a job, or the job that whoever did this one is to do next. */
export type StepEnd = JobResult | { readonly kind: 'goes-on'; readonly next: Dispatch }

/**
 * One job: load the run, see whether the job is still the current one, run the step under its deadline, and move the run on by
 * what came of it. Never throws: whatever happens is an event of the run, or a job for later.
 */
export async function runStep(
  engine: Engine,
  steps: StepTable,
  overtaken: Overtaken,
  job: Job,
  signal: AbortSignal,
  { held, unqueued }: Chain = {},
): Promise<StepEnd> {
  try {
    const recent = engine.recent?.take(job.runId, job.seq)
    const run = recent ?? (await engine.runs.load(job.runId))
    if (!run || run.seq !== job.seq || !DISPATCHED.includes(run.status)) {
      engine.telemetry.jobSkipped(run ? queueName(run.pipeline, run.step) : 'unknown', run ? 'overtaken' : 'unknown')
      return DONE
    }
    const startedAt = engine.clock.now()
    const work = (gone: AbortSignal) =>
      execute(engine, steps, { run, isNew: recent !== undefined }, AbortSignal.any([signal, gone]))
    const event = await overtaken.watch(run, work, unqueued)
    if (event === 'overtaken') return DONE
    if (event === 'handed-back') {
      engine.telemetry.jobSkipped(queueName(run.pipeline, run.step), 'handed-back')
      return { kind: 'hand-back' }
    }
    const { goesOn } = await moveRun(engine, run, event, startedAt, engine.worker, held)
    return goesOn ? { kind: 'goes-on', next: goesOn } : DONE
  } catch (error) {
    if (error instanceof KeyMissing) {
      engine.log.error(
        { runId: job.runId, seq: job.seq, err: error },
        'the run cannot be read without its key; its job comes back',
      )
      return { kind: 'later', delayMs: KEY_MISSING_DELAY_MS }
    }
    engine.log.warn({ runId: job.runId, seq: job.seq, err: error }, 'the run could not be loaded or recorded; its job comes back')
    return { kind: 'later', delayMs: STORE_AWAY_DELAY_MS }
  }
}

/** @property isNew when this process itself brought the run here a moment ago, so that nothing can have been done here before */
type Visit = { readonly run: Run; readonly isNew: boolean }
type Settling = Visit & Required<Pick<StepContext['call'], 'settle'>>

async function execute(
  engine: Engine,
  steps: StepTable,
  { run, isNew }: Visit,
  outer: AbortSignal,
): Promise<RunEvent | 'overtaken' | 'handed-back'> {
  const pipeline = pipelineNamed(run.pipeline)
  const spec = pipeline?.steps[run.step]
  const step = (steps as unknown as Record<string, Record<string, AnyStep>>)[run.pipeline]?.[run.step]
  if (!pipeline || !spec || !step) return defect('unknown-step', `this version has no step "${run.step}" in "${run.pipeline}"`)
  const tenant = await engine.tenants.get(run.tenantId)
  if (!tenant) return defect('unknown-tenant', `tenant "${run.tenantId}" does not exist`)
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(new Stopped('deadline')), durationMs(spec.deadline))
  const signal = AbortSignal.any([outer, deadline.signal])
  const writing: Promise<void>[] = []
  const visit = { run, isNew, settle: (work: Promise<void>) => void writing.push(work) }
  try {
    const facts = parseFacts(pipeline, run)
    signal.throwIfAborted()
    const result = await orAbort(step(facts, engine.deps, contextOf(engine, visit, tenant, signal)), signal)
    await orAbort(Promise.all(writing), signal)
    assertPromised(run.step, spec, result)
    if (result.until) return { kind: 'waiting', until: result.until, facts: result.facts }
    return { kind: 'completed', outcome: result.outcome, facts: result.facts }
  } catch (error) {
    if (signal.aborted) {
      const why = signal.reason instanceof Stopped ? signal.reason.why : 'handed-back'
      if (why !== 'deadline') return why
      return { kind: 'failed', failure: retryable('step-timeout', `"${run.step}" did not end within ${spec.deadline}`).failure }
    }
    if (error instanceof KeyMissing) throw error
    if (error instanceof Parked) return { kind: 'parked', until: error.until }
    return { kind: 'failed', failure: failureOf(error) }
  } finally {
    clearTimeout(timer)
  }
}

const defect = (code: string, message: string): RunEvent => ({ kind: 'failed', failure: { kind: 'defect', code, message } })

/** The facts that the step declared, parsed: what was written by an older version of us is checked, not trusted. */
function parseFacts(pipeline: Pipeline, run: Run): Record<string, unknown> {
  const spec = pipeline.steps[run.step]!
  const facts: Record<string, unknown> = {}
  for (const name of [...spec.reads, ...(spec.mayRead ?? [])]) {
    const value = run.facts[name] ?? undefined
    if (value === undefined && !spec.reads.includes(name)) continue
    const parsed = pipeline.facts[name]!.safeParse(value)
    // The rescue leads to a person, who must get the ticket without what cannot be read, rather than not at all.
    const canDoWithout = pipeline.rescue?.to === run.step && !spec.reads.includes(name)
    if (!parsed.success && canDoWithout) continue
    if (!parsed.success) throw brokenRule('bad-fact', `fact "${name}": ${z.prettifyError(parsed.error)}`)
    facts[name] = parsed.data
  }
  return facts
}

const brokenRule = (code: string, message: string) => new StepFailure({ kind: 'defect', code, message: message.slice(0, 2_000) })

/**
 * The types say the same, but a result that the brain would not take (a wait of a machine's step, a person's outcome from its own
 * function) would leave the run where it is, and the sweeper would send it there for ever.
 */
function assertPromised(step: string, spec: Pipeline['steps'][string], result: Awaited<ReturnType<AnyStep>>): void {
  if ((spec.by === 'person') !== (result.until !== undefined))
    throw brokenRule('bad-result', `"${step}" ${spec.by === 'person' ? 'must wait for its person' : 'has nobody to wait for'}`)
  const outcome = spec.on[result.outcome]
  // An outcome that nobody knows is named as such by `advance`.
  if (!result.until && !outcome) return
  const promised = new Set(result.until ? spec.writes : outcome?.writes)
  const written = new Set(Object.keys(result.facts))
  const wrong = [...promised.symmetricDifference(written)]
  if (wrong.length > 0)
    throw brokenRule('bad-result', `"${step}" ended as "${result.outcome}" with other facts than promised: ${wrong.join(', ')}`)
}

function contextOf(engine: Engine, { run, isNew, settle }: Settling, tenant: Tenant, signal: AbortSignal): StepContext {
  const visit = run.visits[run.step] ?? 1
  const ticket = Payer.safeParse(run.facts.ticket)
  const payer = ticket.success
    ? { customerId: ticket.data.requester.id, customerTier: ticket.data.tier, conversationId: ticket.data.conversationId }
    : {}
  return {
    tenant,
    runId: run.id,
    subjectId: run.subjectId,
    traceId: run.traceId,
    lane: run.lane,
    step: run.step,
    seq: run.seq,
    attempt: run.attempt,
    visit,
    now: engine.clock.now(),
    random: engine.clock.random,
    signal,
    log: engine.log.child({
      runId: run.id,
      subjectId: run.subjectId,
      traceId: run.traceId,
      step: run.step,
      attempt: run.attempt,
    }),
    call: {
      tenantId: run.tenantId,
      runId: run.id,
      step: run.step,
      visit,
      settle,
      ...(isNew && { firstTry: true }),
      lane: run.lane,
      deadlineAt: run.deadlineAt,
      models: tenant.config.models,
      ...(engine.traces && { trace: { traceId: run.traceId, spanId: spanIdOf(run.id, run.seq) } }),
      ...payer,
    },
  }
}

/** A step that does not listen to its signal is left behind: its late result is dropped by the run's seq. */
function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
