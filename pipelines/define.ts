import type * as z from 'zod'
import type { Duration } from '#shared/domain/duration.ts'
import type { RunEnd } from '#shared/domain/run.ts'
import type { Lane } from '#shared/domain/ticket.ts'
import { findProblems } from './check-graph.ts'
import type { Facts, OutcomeSpec, Pipeline, StepSpec } from './pipeline.ts'

type Declared<F, S, E> = {
  readonly name: string
  readonly version: number
  readonly facts: F
  readonly given: keyof F & string
  readonly start: keyof S & string
  /** Where a terminal or exhausted failure goes, with a `Trouble` as its fact. Without one, such a run is dead until it is redriven. */
  readonly rescue?: { readonly to: keyof S & string; readonly atMost: number; readonly writes: keyof F & string }
  /** No retry is scheduled later than this after the run began (or after a person set it going again). */
  readonly deadline: Readonly<Record<Lane, Duration>>
  readonly steps: S
  readonly ends: E
}

type Target<S, E extends readonly string[]> = (keyof S & string) | E[number]
type Targets<S, E extends readonly string[]> = {
  [K in keyof S]: { on: Record<string, OutcomeSpec<Record<string, unknown>> & { to: Target<S, E>; afterwards?: Target<S, E> }> }
}

/**
 * @throws TypeError when the graph is unsound; the message lists every problem.
 */
export function definePipeline<
  const F extends Facts,
  const S extends Record<string, StepSpec<NoInfer<F>>>,
  const E extends readonly RunEnd[],
>(pipeline: Declared<F, S, E> & { steps: Targets<S, E> }): Declared<F, S, E> {
  const problems = findProblems(pipeline as unknown as Pipeline)
  if (problems.length > 0) throw new TypeError(`pipeline ${pipeline.name}: ${problems.join('; ')}`)
  return Object.freeze(pipeline)
}

type Steps = { readonly facts: Facts; readonly steps: Record<string, StepSpec<never>> }
export type StepName<P extends Steps> = keyof P['steps'] & string
type Fact<P extends Steps, Name> = z.infer<P['facts'][Name & keyof P['facts']]>
type Names<List> = List extends readonly (infer Name extends string)[] ? Name : never

/** The facts a step is given. */
export type Reads<P extends Steps, K extends StepName<P>> = {
  [Name in Names<P['steps'][K]['reads']>]: Fact<P, Name>
} & { [Name in Names<P['steps'][K] extends { mayRead: infer List } ? List : never>]?: Fact<P, Name> }

type WritesOf<Spec> = Spec extends { writes: infer List } ? Names<List> : never
type FactsFor<P extends Steps, Spec> = { [Name in WritesOf<Spec>]: Fact<P, Name> }

/** The results a step may come to: an outcome of its own with the facts it promised, or, for a person's step, a hand-over that waits. */
export type Result<P extends Steps, K extends StepName<P>> = P['steps'][K] extends { by: 'person' }
  ? { outcome: 'waiting'; until: Date; facts: FactsFor<P, P['steps'][K]> }
  : {
      [O in keyof P['steps'][K]['on'] & string]: { outcome: O; facts: FactsFor<P, P['steps'][K]['on'][O]> }
    }[keyof P['steps'][K]['on'] & string]

/** What a person's decision on step K must carry. */
export type PersonResult<P extends Steps, K extends StepName<P>> = {
  [O in keyof P['steps'][K]['on'] & string]: { outcome: O; facts: FactsFor<P, P['steps'][K]['on'][O]> }
}[keyof P['steps'][K]['on'] & string]
