import { durationMs } from '#shared/domain/duration.ts'
import type { Failure } from '#shared/domain/failure.ts'
import { ENDED, type RunEvent, type RunState } from '#shared/domain/run.ts'
import type { Lane } from '#shared/domain/ticket.ts'
import type { Pipeline } from './pipeline.ts'
import { nextDelayMs } from './retry.ts'

export type Transition = {
  readonly next: RunState
  /** How the log names what happened: the outcome, or one of the engine's own words. */
  readonly result: string
  readonly facts: Readonly<Record<string, unknown>>
  /** When the next job is to start, or when the wait ends. */
  readonly dueAt: Date
  /** True when a job must be put on the queue of `next.step`. */
  readonly dispatch: boolean
  readonly failure: Failure | null
  readonly deadLetter: { readonly step: string; readonly failure: Failure } | null
}
/** The event does not fit the run as it is now: it came late, twice, or to the wrong step. Nothing changes. */
export type Ignored = { readonly ignored: string }

const MACHINE = new Set(['queued', 'running', 'delayed'])

/**
 * The whole brain: what a run does next. Pure: time and dice are arguments, and nothing is read or written.
 * No event moves a run that has ended, except that `redriven` revives a dead one.
 * @param random in [0, 1), spreads retries
 */
export function advance(pipeline: Pipeline, run: RunState, event: RunEvent, now: Date, random: number): Transition | Ignored {
  if (event.kind === 'redriven') return redrive(pipeline, run, event.step, now)
  if (ENDED.includes(run.status)) return { ignored: `the run has ended (${run.status})` }
  if (event.kind === 'cancelled' && pipeline.steps[run.step]?.irrevocable)
    return { ignored: `"${run.step}" cannot be called back` }
  if (event.kind === 'cancelled') return { ...still(run, 'cancelled', now), next: bump(run, { status: 'cancelled' }) }
  const byPerson = run.status === 'waiting'
  switch (event.kind) {
    case 'completed':
      if (run.status === 'parked') return { ignored: 'the run is parked' }
      return complete(pipeline, run, event, now)
    case 'waiting': {
      if (!MACHINE.has(run.status)) return { ignored: `the run is ${run.status}` }
      if (pipeline.steps[run.step]?.by !== 'person') return { ignored: `"${run.step}" is no person's step` }
      return { ...still(run, 'waiting', event.until), next: bump(run, { status: 'waiting' }), facts: event.facts }
    }
    case 'failed':
      if (!MACHINE.has(run.status)) return { ignored: `the run is ${run.status}` }
      return fail(pipeline, run, event.failure, now, random)
    case 'parked':
      if (!MACHINE.has(run.status)) return { ignored: `the run is ${run.status}` }
      return { ...still(run, 'parked', event.until), next: bump(run, { status: 'parked' }) }
    case 'resumed':
      if (run.status !== 'parked') return { ignored: 'the run is not parked' }
      return { ...still(run, 'resumed', now), next: bump(run, { status: 'running' }), dispatch: true }
    case 'expired':
      if (run.status === 'parked')
        return { ...still(run, 'resumed', now), next: bump(run, { status: 'running' }), dispatch: true }
      if (!byPerson) return { ignored: `the run is ${run.status}` }
      return complete(pipeline, run, { kind: 'completed', outcome: 'expired', facts: {} }, now)
    case 'lost':
      if (!MACHINE.has(run.status)) return { ignored: `the run is ${run.status}` }
      return { ...still(run, 'redispatched', now), next: bump(run, {}), dispatch: true }
  }
}

/** Field by field: callers pass whole runs, and what a run knows beside its state (its facts!) must not be written with every hop. */
const bump = (run: RunState, change: Partial<RunState>): RunState => {
  const { status, step, seq, attempt, visits, loops, rescues, deadlineAt, lane } = run
  return { status, step, attempt, visits, loops, rescues, deadlineAt, lane, ...change, seq: seq + 1 }
}
const still = (_run: RunState, result: string, dueAt: Date) => ({
  result,
  facts: {},
  dueAt,
  dispatch: false,
  failure: null,
  deadLetter: null,
})
const deadlineFrom = (pipeline: Pipeline, lane: Lane, now: Date) => new Date(now.getTime() + durationMs(pipeline.deadline[lane]))

/** The first state of a run, at seq 0; its first job goes to the start step. */
export function beginRun(pipeline: Pipeline, lane: Lane, now: Date): RunState {
  const deadlineAt = deadlineFrom(pipeline, lane, now)
  return {
    status: 'queued',
    step: pipeline.start,
    seq: 0,
    attempt: 1,
    visits: { [pipeline.start]: 1 },
    loops: {},
    rescues: 0,
    deadlineAt,
    lane,
  }
}

type Completed = Extract<RunEvent, { kind: 'completed' }>

function complete(pipeline: Pipeline, run: RunState, { outcome, facts }: Completed, now: Date): Transition | Ignored {
  const step = pipeline.steps[run.step]
  const byPerson = step?.by === 'person'
  // A person's step is ended by its person (or by time), never by its own function, and no machine step by a person.
  if (byPerson !== (run.status === 'waiting'))
    return { ignored: byPerson ? `"${run.step}" does not wait yet` : `"${run.step}" is no person's step` }
  const spec = step?.on[outcome]
  if (!spec)
    return fail(
      pipeline,
      run,
      { kind: 'defect', code: 'unknown-outcome', message: `step "${run.step}" has no outcome "${outcome}"` },
      now,
      0,
    )
  const edge = `${run.step}.${outcome}`
  const taken = run.loops[edge] ?? 0
  const spent = spec.atMost !== undefined && taken >= spec.atMost
  const loops = spec.atMost === undefined || spent ? run.loops : { ...run.loops, [edge]: taken + 1 }
  // A person may take days; what the machine still has to do afterwards gets its full time again.
  const deadlineAt = byPerson ? deadlineFrom(pipeline, run.lane, now) : run.deadlineAt
  return enter(pipeline, { ...run, loops, deadlineAt }, spent ? spec.afterwards! : spec.to, { result: outcome, facts }, now)
}

function enter(
  pipeline: Pipeline,
  run: RunState,
  target: string,
  what: { result: string; facts: Readonly<Record<string, unknown>> },
  now: Date,
): Transition {
  const end = pipeline.ends.find((name) => name === target)
  if (end) return { ...still(run, what.result, now), ...what, next: bump(run, { status: end, attempt: 1 }) }
  const visits = { ...run.visits, [target]: (run.visits[target] ?? 0) + 1 }
  const next = bump(run, { status: 'running', step: target, attempt: 1, visits })
  return { ...still(run, what.result, now), ...what, next, dispatch: true }
}

function fail(pipeline: Pipeline, run: RunState, failure: Failure, now: Date, random: number): Transition {
  const step = pipeline.steps[run.step]
  if (failure.kind === 'retryable' && step) {
    const delayMs = nextDelayMs(step.retry, run.attempt, random, failure.retryAfterMs)
    const dueAt = delayMs === undefined ? undefined : new Date(now.getTime() + delayMs)
    if (dueAt && dueAt <= run.deadlineAt) {
      return {
        ...still(run, 'failed', dueAt),
        next: bump(run, { status: 'delayed', attempt: run.attempt + 1 }),
        dispatch: true,
        failure,
      }
    }
  }
  // A person is asked, not an operator: nothing is broken, so there is nothing to redrive.
  const deadLetter = failure.kind === 'needs-person' ? null : { step: run.step, failure }
  const { rescue } = pipeline
  if (rescue && run.step !== rescue.to && run.rescues < rescue.atMost) {
    const facts = { [rescue.writes]: { step: run.step, failure } }
    return {
      ...enter(pipeline, { ...run, rescues: run.rescues + 1 }, rescue.to, { result: 'failed', facts }, now),
      failure,
      deadLetter,
    }
  }
  return {
    ...still(run, 'failed', now),
    next: bump(run, { status: 'dead' }),
    failure,
    deadLetter: deadLetter ?? { step: run.step, failure },
  }
}

/** A dead run, or one that was rescued and still waits for its person, goes back to the step that failed, as if for the first time. */
function redrive(pipeline: Pipeline, run: RunState, step: string, now: Date): Transition | Ignored {
  if (!(step in pipeline.steps)) return { ignored: `"${step}" is not a step of ${pipeline.name} any more` }
  const rescued = run.status === 'waiting' && run.step === pipeline.rescue?.to && run.rescues > 0
  if (run.status !== 'dead' && !rescued) return { ignored: `the run is ${run.status}` }
  const facts = pipeline.rescue ? { [pipeline.rescue.writes]: null } : {}
  const fresh = { ...run, rescues: 0, deadlineAt: deadlineFrom(pipeline, run.lane, now) }
  return enter(pipeline, fresh, step, { result: 'redriven', facts }, now)
}
