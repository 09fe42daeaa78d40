import { advance, type Transition } from '#pipelines/advance.ts'
import type { Pipeline } from '#pipelines/pipeline.ts'
import { pipelineNamed, queueName } from '#pipelines/registry.ts'
import { eventsOf } from '#pipelines/ticket-events.ts'
import { DISPATCHED, ENDED, type Run, type RunEvent } from '#shared/domain/run.ts'
import type { Dispatch } from '#shared/ports/dispatcher.ts'
import type { Hop } from '#shared/ports/run-log.ts'
import type { Moved, RunMover } from '#shared/ports/run-mover.ts'
import { forgetCopies, letterIdOf } from './dead-letter-copies.ts'
import type { Engine } from './engine.ts'
import type { HeldEvents } from './held-events.ts'
import { traceRun } from './trace-run.ts'

type Mover = Pick<
  Engine,
  'runs' | 'dispatcher' | 'stream' | 'telemetry' | 'clock' | 'log' | 'backlogOf' | 'onMoved' | 'traces' | 'recent' | 'goesOn'
>
/** @property goesOn the next job, when it was left to the caller instead of a queue */
type MovedOn = Moved & { readonly goesOn?: Dispatch }

/**
 * The only place that moves a run on: asks `advance`, writes log and run in one guarded statement, and then, with the truth
 * safe, tells followers and puts the next job on its queue. If the process dies in between, the sweeper does that part.
 * @param by names who moved it, for the log: a worker, a person, the sweeper
 * @param held keeps what followers are told while the caller goes on with the run
 */
export async function moveRun(
  engine: Mover,
  run: Run,
  event: RunEvent,
  startedAt: Date,
  by: string,
  held?: HeldEvents,
): Promise<MovedOn> {
  const pipeline = pipelineNamed(run.pipeline)
  if (!pipeline) return { moved: false, reason: 'refused', why: `pipeline "${run.pipeline}" is not one of this version` }
  const now = engine.clock.now()
  const transition = advance(pipeline, run, event, now, engine.clock.random())
  if ('ignored' in transition) return { moved: false, reason: 'refused', why: transition.ignored }
  const hop = toHop(run, transition, startedAt, now, by)
  if (!(await engine.runs.record(hop)))
    return { moved: false, reason: 'refused', why: 'the run was moved by somebody else at the same moment' }
  measure(engine, pipeline, run, transition, startedAt, now)
  if (engine.traces) traceRun(engine.traces, run, transition, startedAt, now)
  // Only a step that is entered: what is tried again or was lost may have left something behind that must be looked up.
  if (transition.dispatch && event.kind === 'completed') engine.recent?.keep(movedOn(run, transition, now), transition.facts)
  const job = transition.dispatch ? jobOf(engine, run, transition, now) : undefined
  const goesOn = job && event.kind === 'completed' && job.delayMs === 0 && engine.goesOn?.(job) === true
  const announced = announce(engine, run, transition, hop, { job: goesOn ? undefined : job, held, more: goesOn === true })
  if (!goesOn) await announced
  return { moved: true, state: transition.next, ...(goesOn && { goesOn: job }) }
}

/** The same, for callers that know only the run's id. */
export function createRunMover(engine: Mover): RunMover {
  return {
    async move(runId, event, by, seq) {
      const run = await engine.runs.load(runId)
      if (!run) return { moved: false, reason: 'gone', why: 'there is no such run' }
      if (seq !== undefined && run.seq !== seq) return { moved: false, reason: 'refused', why: 'the run has moved on' }
      return moveRun(engine, run, event, engine.clock.now(), by)
    },
  }
}

/** The facts as they were: what is new is told beside it. */
const movedOn = (run: Run, { next, dueAt }: Transition, now: Date): Run => ({ ...run, ...next, dueAt, updatedAt: now })

function toHop(run: Run, transition: Transition, startedAt: Date, now: Date, by: string): Hop {
  const letter = transition.deadLetter
  return {
    runId: run.id,
    tenantId: run.tenantId,
    pipeline: run.pipeline,
    seq: run.seq,
    step: run.step,
    attempt: run.attempt,
    visit: run.visits[run.step] ?? 0,
    result: transition.result,
    failure: transition.failure,
    factsWritten: transition.facts,
    next: transition.next,
    dueAt: transition.dueAt,
    deadLetter: letter && {
      id: letterIdOf(run.id, run.seq),
      step: letter.step,
      code: letter.failure.code,
      message: letter.failure.message,
    },
    startedAt,
    endedAt: now,
    worker: by,
  }
}

const jobOf = (engine: Mover, { id, tenantId, pipeline, lane }: Run, { next, dueAt }: Transition, now: Date): Dispatch => ({
  runId: id,
  seq: next.seq,
  pipeline,
  step: next.step,
  lane,
  delayMs: Math.max(0, dueAt.getTime() - now.getTime()),
  backlog: engine.backlogOf(tenantId),
})

/** @property more is to come at once, so that followers may be told all of it together */
type Onward = { readonly job: Dispatch | undefined; readonly held: HeldEvents | undefined; readonly more: boolean }

/** Everything here may fail without harm: the log has it, followers and queues catch up from there. */
async function announce(engine: Mover, run: Run, { next }: Transition, hop: Hop, { job, held, more }: Onward): Promise<void> {
  const work: Promise<unknown>[] = []
  if (job) work.push(engine.dispatcher.dispatch([job]))
  if (run.pipeline === 'support-ticket') {
    const events = eventsOf({ ...hop, seq: next.seq, next, factsWritten: { ...hop.factsWritten } })
    if (held && more) held.hold(run, events)
    else work.push(engine.stream.append(run.tenantId, run.subjectId, [...(held?.take() ?? []), ...events]))
    if (engine.onMoved) work.push(engine.onMoved(run, next.status))
  }
  if (hop.deadLetter) {
    const { id, step, code } = hop.deadLetter
    work.push(engine.dispatcher.mirrorDeadLetters([{ id, runId: run.id, step, code, tenantId: run.tenantId }]))
  }
  if (hop.result === 'redriven') work.push(forgetCopies(engine, run, next.step))
  for (const outcome of await Promise.allSettled(work)) {
    if (outcome.status === 'rejected')
      engine.log.warn({ runId: run.id, err: outcome.reason }, 'the queue or the stream did not take it; the sweeper will')
  }
}

function measure(engine: Mover, pipeline: Pipeline, run: Run, transition: Transition, startedAt: Date, now: Date): void {
  const { telemetry } = engine
  const { next, result, failure } = transition
  // Only work counts as work: a person's wait or a lost job says nothing about a step's speed.
  if (DISPATCHED.includes(run.status) && result !== 'redispatched') {
    telemetry.stepEnded({
      pipeline: pipeline.name,
      step: run.step,
      result,
      seconds: (now.getTime() - startedAt.getTime()) / 1_000,
    })
  }
  if (result === 'redispatched') telemetry.jobSkipped(queueName(run.pipeline, run.step), 'redispatched')
  if (ENDED.includes(next.status)) {
    telemetry.runEnded({
      pipeline: pipeline.name,
      status: next.status,
      lane: run.lane,
      seconds: (now.getTime() - run.createdAt.getTime()) / 1_000,
    })
  }
  if (failure) {
    const fields = {
      runId: run.id,
      traceId: run.traceId,
      step: run.step,
      attempt: run.attempt,
      code: failure.code,
      kind: failure.kind,
      status: next.status,
    }
    if (failure.kind === 'defect') {
      telemetry.defect(`${run.pipeline}.${run.step}`)
      engine.log.error({ ...fields, detail: failure.message }, 'a step failed by a defect of ours')
    } else engine.log.warn(fields, 'a step failed')
  }
}
