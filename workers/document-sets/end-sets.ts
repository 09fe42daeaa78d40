import { beginRun } from '#pipelines/advance.ts'
import { sendWebhook } from '#pipelines/send-webhook.ts'
import type { SetState } from '#shared/domain/document-set.ts'
import { derivedId } from '#shared/domain/id.ts'
import type { DocumentSet } from '#shared/ports/document-set-store.ts'
import type { NewRun } from '#shared/ports/run-log.ts'
import { type SetDesk, traceIdOf } from './set-desk.ts'

const AT_ONCE = 50
const PORTION = 500
const MAX_SETS = 100

/** Ends every set of which all documents have ended, and tells its producer; clears away those that were deleted. @returns how many were ended */
export async function endSets(desk: SetDesk): Promise<number> {
  const purged = await desk.documentSets.purge(MAX_SETS)
  if (purged > 0) desk.log.info({ purged }, 'removed document sets that were deleted')
  let ended = 0
  for (const { tenantId, id } of await desk.documentSets.endable(MAX_SETS)) {
    const set = await desk.documentSets.find(tenantId, id)
    if (set && (await endSet(desk, set))) ended++
  }
  return ended
}

/** A cancellation that comes in between leaves the set to the next round: `end` looks at the state once more. */
async function endSet(desk: SetDesk, set: DocumentSet): Promise<boolean> {
  const at = desk.clock.now()
  // Cancelled too late to stop anything: then nothing was cancelled.
  const to: SetState = set.state === 'cancelling' && set.progress.cancelled > 0 ? 'cancelled' : 'completed'
  const ended = await desk.documentSets.end(set, to, at, await callbackOf(desk, set, to, at))
  if (ended) desk.log.info({ documentSetId: set.id, state: to, ...set.progress }, 'a document set has ended')
  return ended
}

async function callbackOf(desk: SetDesk, set: DocumentSet, state: SetState, at: Date): Promise<NewRun | undefined> {
  const tenant = await desk.tenants.get(set.tenantId)
  const url = set.order.callbackUrl ?? tenant?.config.webhook.url
  if (url === undefined) return undefined
  const money = await desk.documentSets.money(set.tenantId, set.id)
  const { name, settings, metadata = {} } = set.order
  const links = { self: `/v1/document-sets/${set.id}`, results: `/v1/document-sets/${set.id}/results` }
  const data = { documentSetId: set.id, name, task: settings.task, state, progress: set.progress, ...money, metadata, links }
  const body = JSON.stringify({ type: `document-set.${state}`, timestamp: at.toISOString(), data })
  const id = derivedId('run', set.id, 'callback')
  return {
    id,
    tenantId: set.tenantId,
    pipeline: sendWebhook.name,
    version: sendWebhook.version,
    subjectId: set.id,
    traceId: traceIdOf(set.id),
    state: beginRun(sendWebhook, 'standard', at),
    given: { delivery: { messageId: derivedId('msg', id), url, body } },
    createdAt: at,
    held: true,
  }
}

/** Cancels what is still under way of sets that are being cancelled; their batch requests go with their runs. @returns how many */
export async function cancelRuns(desk: SetDesk, signal: AbortSignal): Promise<number> {
  let cancelled = 0
  while (!signal.aborted) {
    const runIds = await desk.documentSets.toCancel(PORTION)
    let moved = 0
    for (let i = 0; i < runIds.length; i += AT_ONCE) {
      const moves = runIds
        .slice(i, i + AT_ONCE)
        .map((id) => desk.mover.move(id, { kind: 'cancelled' }, 'keeper of document sets'))
      moved += (await Promise.all(moves)).filter((one) => one.moved).length
    }
    cancelled += moved
    // Runs that moved on at the same moment are there in the next round.
    if (runIds.length < PORTION || moved === 0) break
  }
  return cancelled
}
