import * as z from 'zod'
import { DIGEST_TASKS, expectedEnd, ItemFailure, SetLane, SetProgress, SetState } from '#shared/domain/document-set.ts'
import type { DocumentSet } from '#shared/ports/document-set-store.ts'
import type { ApiDeps } from './deps.ts'
import { Moment } from './schemas.ts'

/** More are in the results; a view that lists ten thousand would be none. */
const MAX_FAILURES = 100

const Links = z.object({ self: z.string(), results: z.string() })
export const AcceptedSet = z.object({
  documentSetId: z.string(),
  state: SetState,
  total: z.int().describe('documents in it; one that was named twice counts once'),
  links: Links,
})
const Head = z.object({
  documentSetId: z.string(),
  name: z.string(),
  task: z.enum(DIGEST_TASKS),
  lane: SetLane,
  state: SetState,
  scheduleId: z.string().nullable(),
  progress: SetProgress,
  expectedEndAt: Moment.nullable().describe('null until some documents have ended'),
  createdAt: Moment,
  endedAt: Moment.nullable(),
  metadata: z.record(z.string(), z.unknown()),
})
export const SetList = z.object({ documentSets: z.array(Head), next: z.string().nullable().describe('`after` of the next page') })
export const SetView = Head.extend({
  costUsd: z.number(),
  savedUsd: z.number().describe('against the same calls made synchronously'),
  failures: z.array(
    ItemFailure.extend({ position: z.int(), runId: z.string(), documentId: z.string().nullable(), title: z.string() }),
  ),
  links: Links,
})

const linksOf = (id: string) => ({ self: `/v1/document-sets/${id}`, results: `/v1/document-sets/${id}/results` })

export const acceptedView = (id: string, total: number): z.infer<typeof AcceptedSet> => ({
  documentSetId: id,
  state: 'running',
  total,
  links: linksOf(id),
})

export function setHead(set: DocumentSet, now: Date): z.infer<typeof Head> {
  const { name, settings, lane, metadata = {} } = set.order
  const expected = set.state === 'running' ? expectedEnd(set.createdAt, set.progress, now) : undefined
  return {
    documentSetId: set.id,
    name,
    task: settings.task,
    lane,
    state: set.state,
    scheduleId: set.scheduleId,
    progress: set.progress,
    expectedEndAt: expected?.toISOString() ?? null,
    createdAt: set.createdAt.toISOString(),
    endedAt: set.endedAt?.toISOString() ?? null,
    metadata,
  }
}

export async function setView(set: DocumentSet, { documentSets, clock }: ApiDeps): Promise<z.infer<typeof SetView>> {
  const { tenantId, id } = set
  const [money, failed] = await Promise.all([
    documentSets.money(tenantId, id),
    documentSets.items(tenantId, id, { after: -1, limit: MAX_FAILURES, only: 'failed' }),
  ])
  const failures = failed.map(({ position, runId, documentId, title, failure }) => {
    const { code, reason } = failure ?? { code: 'unknown', reason: '' }
    return { position, runId, documentId, title, code, reason }
  })
  return { ...setHead(set, clock.now()), ...money, failures, links: linksOf(id) }
}
