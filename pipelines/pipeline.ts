import type * as z from 'zod'
import type { Duration } from '#shared/domain/duration.ts'
import type { RunEnd } from '#shared/domain/run.ts'
import type { Lane } from '#shared/domain/ticket.ts'
import type { RetryPolicy } from './retry.ts'

/** A pipeline is data: what happens and in what order. Types refuse wrong wiring; `findProblems` refuses unsound graphs at import. */
export type Facts = Record<string, z.ZodType>

export type OutcomeSpec<F> = {
  /** The next step, or an end. */
  readonly to: string
  /** The facts that a step writes when it ends this way. */
  readonly writes?: readonly (keyof F & string)[]
  /** Bounds a loop: the edge may be taken this often in a run; after that `afterwards` is taken in its place. */
  readonly atMost?: number
  readonly afterwards?: string
}

export type StepSpec<F> = {
  /** A step that a person ends: its function hands over and waits; `writes` are the facts of that hand-over. */
  readonly by?: 'person'
  readonly writes?: readonly (keyof F & string)[]
  /** Facts that every path to this step has written. */
  readonly reads: readonly (keyof F & string)[]
  /** Facts that only some paths write; the step gets them when they are there. */
  readonly mayRead?: readonly (keyof F & string)[]
  readonly retry: RetryPolicy
  /** Its effect is seen outside and cannot be called back: a run at this step cannot be cancelled any more. */
  readonly irrevocable?: true
  /** For one execution of the step's function. */
  readonly deadline: Duration
  readonly on: Readonly<Record<string, OutcomeSpec<F>>>
}

/** Any pipeline, for code that works on all of them. */
export type Pipeline = {
  readonly name: string
  readonly version: number
  readonly facts: Facts
  readonly given: string
  readonly start: string
  readonly rescue?: { readonly to: string; readonly atMost: number; readonly writes: string }
  readonly deadline: Readonly<Record<Lane, Duration>>
  readonly steps: Readonly<Record<string, StepSpec<Record<string, unknown>>>>
  readonly ends: readonly RunEnd[]
}
