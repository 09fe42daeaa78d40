import type { Batch } from '#shared/domain/batch.ts'
import type { Failure } from '#shared/domain/failure.ts'
import type { BatchProvider, RemoteBatch } from '#shared/ports/batch-provider.ts'
import type { BatchDesk } from './batch-desk.ts'

/** What comes next for a batch: again after a while, or never. */
export type NextLook = { readonly inMs: number } | 'done'
export type BatchWork = {
  readonly desk: BatchDesk
  readonly batch: Batch
  readonly provider: BatchProvider
  /** Names the holder of the lease; every write is refused once it is lost. */
  readonly owner: string
  readonly signal: AbortSignal
}

/** Thrown when the lease is gone: somebody else goes on with this batch. */
export class LeaseLost extends Error {}

export async function change(work: BatchWork, what: Parameters<BatchDesk['batches']['change']>[2]): Promise<void> {
  if (!(await work.desk.batches.change(work.batch.id, work.owner, what))) throw new LeaseLost(work.batch.id)
}

export async function finish(work: BatchWork, remote: RemoteBatch | undefined, failure?: Failure): Promise<NextLook> {
  const { batch, provider, signal } = work
  await change(work, { state: 'done', ...(failure ? { failure } : {}) })
  await provider.tidy(remote, batch.fileId, signal).catch(() => {})
  return 'done'
}
