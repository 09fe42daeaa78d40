import type { ApiDeps } from './deps.ts'

/** Sends the batch's job at once; should it get lost, the batch worker's keeper sends it again. */
export async function lookNow(
  { batches, dispatcher, log }: Pick<ApiDeps, 'batches' | 'dispatcher' | 'log'>,
  batchId: string,
): Promise<void> {
  const seq = await batches.resend(batchId)
  if (seq === undefined) return
  const job = { runId: batchId, seq, pipeline: 'batch', step: 'advance', lane: 'offline', delayMs: 0, backlog: 0 } as const
  await dispatcher.dispatch([job]).catch((err) => log.warn({ batchId, err }, 'the job of a batch did not reach its queue'))
}
