import { dueReason } from '#shared/domain/batch.ts'
import { newId } from '#shared/domain/id.ts'
import { type BatchDesk, providerOf, sendJob } from './batch-desk.ts'

/** A round packs at most so many batches of one group; the next one goes on. */
const MAX_BATCHES = 20

/**
 * One look at what waits: ends what nobody waits for any more, spills what is too late, and packs every group that has reached a
 * threshold, split by the provider's limits.
 * @param all pack whatever waits, as an operator may ask for
 * @returns how many batches were packed
 */
export async function collect(desk: BatchDesk, all = false): Promise<number> {
  const { batches, clock, log } = desk
  const expired = await batches.expire()
  if (expired.spilled > 0) log.warn(expired, 'requests would miss their deadline and are asked synchronously')
  let packed = 0
  for (const group of await batches.groups()) {
    const provider = providerOf(desk, group.provider)
    const reason = all ? 'asked' : dueReason(group, desk.thresholds, clock.now())
    // Without its provider (a key that was taken away) a group waits until its requests are spilled.
    if (!provider || !reason) continue
    const limits = { ...provider.limits, maxRequests: Math.min(provider.limits.maxRequests, desk.thresholds.maxRequests) }
    let left = group.requests
    for (let i = 0; i < MAX_BATCHES; i++) {
      const batchId = newId('bat', clock.now(), () => clock.random())
      const requests = await batches.pack(batchId, group, limits)
      if (requests === 0) break
      packed++
      log.info({ batchId, provider: group.provider, model: group.model, requests, reason }, 'packed a batch')
      // Should this get lost, the keeper finds a batch without its job.
      await sendJob(desk, 'advance', batchId, 0).catch(() => {})
      left -= requests
      if (left <= 0) break
    }
  }
  return packed
}
