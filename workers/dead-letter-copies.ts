import { derivedId } from '#shared/domain/id.ts'
import type { Attempt, Run } from '#shared/domain/run.ts'
import type { Engine } from './engine.ts'

/** Of the seq that failed, so that whoever repeats the hop, or looks for its letter later, comes to the same id. */
export const letterIdOf = (runId: string, seq: number) => derivedId('dl', runId, String(seq))

type Copying = Pick<Engine, 'runs' | 'dispatcher' | 'log'>

/** Takes away what a redrive makes stale: the copies of every time that this step failed for good. Copies only, so it never fails. */
export async function forgetCopies({ runs, dispatcher, log }: Copying, { id, tenantId }: Run, step: string): Promise<void> {
  try {
    const failures = (await runs.attempts(tenantId, id)).filter((attempt) => attempt.step === step && failedForGood(attempt))
    // The log numbers a hop by the seq it led to, a letter is named after the one it came from.
    await dispatcher.forgetDeadLetters(failures.map(({ seq }) => letterIdOf(id, seq - 1)))
  } catch (error) {
    log.warn({ runId: id, step, err: error }, 'copies of redriven dead letters stay among the queues')
  }
}

const failedForGood = ({ result, next }: Attempt) => result === 'failed' && next.status !== 'delayed'
