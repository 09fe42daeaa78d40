import { Parked, StepFailure } from '#shared/domain/failure.ts'
import type { StepContext } from '#workers/step.ts'

const AT_ONCE = 4

export type Asked<T> = { readonly replies: (T | undefined)[]; readonly troubles: readonly unknown[] }

/**
 * Asks every question of a step, some at a time, before it lets anyone wait: so the run parks once, and one batch answers all.
 * @param mayMiss whether the step can do without a reply that this failure kept away
 * @throws Parked first of all, then the first failure that may not be missed
 */
export async function askMany<Q, T>(
  questions: readonly Q[],
  ask: (question: Q) => Promise<T>,
  { signal }: Pick<StepContext, 'signal'>,
  mayMiss: (error: unknown) => boolean = () => false,
): Promise<Asked<T>> {
  const replies: (T | undefined)[] = Array.from({ length: questions.length })
  const troubles: unknown[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let i = next++; i < questions.length; i = next++) {
      signal.throwIfAborted()
      replies[i] = await ask(questions[i]!).catch((error: unknown) => {
        troubles.push(error)
        return undefined
      })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  signal.throwIfAborted()
  const decisive = troubles.find((error) => error instanceof Parked) ?? troubles.find((error) => !mayMiss(error))
  if (decisive !== undefined) throw decisive
  return { replies, troubles }
}

/** A failure after which a help that is no need may be left out: not our own mistake, and tried often enough. */
export const missableAfter =
  (maxAttempts: number, attempt: number) =>
  (error: unknown): boolean =>
    error instanceof StepFailure && !(error.failure.kind === 'retryable' && attempt < maxAttempts)
