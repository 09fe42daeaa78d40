import * as z from 'zod'

/**
 * Why a step did not come to an outcome. The kind says what to do, the code says what happened:
 * `retryable` again later · `terminal` never again, a person takes over · `needs-person` a person decides ·
 * `defect` our own mistake: no retry, alarm, a person takes over. Business results are outcomes, never failures.
 */
export const Failure = z.object({
  kind: z.enum(['retryable', 'terminal', 'needs-person', 'defect']),
  /** Stable, kebab-case, e.g. `provider-rate-limited`; operators filter and redrive by it. */
  code: z.string().max(80),
  message: z.string().max(2_000),
  /** What the other side asked us to wait; never shortened by our own backoff. */
  retryAfterMs: z.number().nonnegative().optional(),
})
export type Failure = z.infer<typeof Failure>

/** Thrown by adapters and steps; anything else that is thrown is a defect. */
export class StepFailure extends Error {
  readonly failure: Failure
  constructor(failure: Failure, options?: ErrorOptions) {
    super(`${failure.code}: ${failure.message}`, options)
    this.name = 'StepFailure'
    this.failure = failure
  }
}

/** Never in the middle of a surrogate pair. */
const clip = (text: string, limit: number) =>
  text.length > limit ? `${text.slice(0, limit - 1).replace(/[\ud800-\udbff]$/, '')}…` : text

export function retryable(code: string, message: string, retryAfterMs?: number, cause?: unknown): StepFailure {
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
  return new StepFailure({ kind: 'retryable', code, message: clip(message, 2_000), ...wait }, { cause })
}

export function terminal(code: string, message: string, cause?: unknown): StepFailure {
  return new StepFailure({ kind: 'terminal', code, message: clip(message, 2_000) }, { cause })
}

export function needsPerson(code: string, message: string, cause?: unknown): StepFailure {
  return new StepFailure({ kind: 'needs-person', code, message: clip(message, 2_000) }, { cause })
}

/** Thrown where the reply will come later (a provider batch): the run sleeps until it is resumed or `until` has passed. */
export class Parked extends Error {
  readonly until: Date
  constructor(until: Date, reason: string) {
    super(reason)
    this.name = 'Parked'
    this.until = until
  }
}

/** What was thrown, as a failure. Errors we did not expect are defects: retrying our own mistake only repeats it. */
export function failureOf(error: unknown): Failure {
  if (error instanceof StepFailure) return error.failure
  return { kind: 'defect', code: 'defect', message: clip(describe(error), 2_000) }
}

/** Anything can be thrown, also what cannot be turned into a string; that must not hide that something was thrown. */
function describe(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  } catch {
    return `something that cannot be described (${typeof error})`
  }
}
