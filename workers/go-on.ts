import { queueName } from '#pipelines/registry.ts'
import type { Consumer, Job, JobResult } from '#shared/ports/consumer.ts'
import type { Dispatch } from '#shared/ports/dispatcher.ts'
import type { Engine } from './engine.ts'
import { holdEvents } from './held-events.ts'
import type { Overtaken } from './overtaken.ts'
import { runStep } from './run-step.ts'
import type { StepTable } from './step.ts'

/**
 * Steps that compute for some milliseconds: to take one from a queue costs about as much as the step itself. `screen` comes from
 * outside, and `generate` waits for seconds and has many more places in its own queue.
 */
const SHORT: ReadonlySet<string> = new Set(
  ['recall', 'classify', 'retrieve', 'verify', 'escalate', 'deliver'].map((step) => queueName('support-ticket', step)),
)

/**
 * Which runs are gone on with by the process that has just moved them, without a queue in between. Offline runs are not: at every
 * step somebody who waits shall go before them. Nor what an operator has paused, nor a step of other processes.
 */
export const goesOnWith =
  (queues: readonly string[], consumer: Pick<Consumer, 'paused'>, stopping: () => boolean): NonNullable<Engine['goesOn']> =>
  ({ pipeline, step, lane }) => {
    const queue = queueName(pipeline, step)
    if (lane === 'offline' || stopping() || !SHORT.has(queue) || !queues.includes(queue)) return false
    return consumer.paused?.({ pipeline, step }) !== true
  }

/**
 * One job, and the steps behind it that this process goes on with. Each is recorded like any other before the next begins; only the
 * way through the queue is left out. What cannot be done now goes to its queue after all. Never throws.
 */
export async function runSteps(
  engine: Engine,
  steps: StepTable,
  overtaken: Overtaken,
  job: Job,
  signal: AbortSignal,
): Promise<JobResult> {
  const held = holdEvents(engine.stream, engine.log)
  let end = await runStep(engine, steps, overtaken, job, signal, { held })
  while (end.kind === 'goes-on') {
    const { next } = end
    end = await runStep(engine, steps, overtaken, next, signal, { held, unqueued: true })
    if (end.kind === 'hand-back') end = await toQueue(engine, next)
    else if (end.kind === 'later') end = await toQueue(engine, { ...next, delayMs: end.delayMs })
  }
  // Of a chain that did not end by a move of its own.
  held.flush()
  return end
}

async function toQueue({ dispatcher, log }: Engine, job: Dispatch): Promise<JobResult> {
  try {
    await dispatcher.dispatch([job])
  } catch (err) {
    log.warn({ runId: job.runId, seq: job.seq, err }, 'the queue did not take a job back; the sweeper will send it')
  }
  return { kind: 'done' }
}
