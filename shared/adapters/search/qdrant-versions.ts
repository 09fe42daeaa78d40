import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { Chunk } from '#shared/domain/document.ts'
import { retryable } from '#shared/domain/failure.ts'
import type { ScoredChunk, SearchFilter } from '#shared/ports/search-index.ts'
import type { QdrantApi } from './qdrant-collection.ts'

/**
 * Qdrant changes points one by one, so a document's chunks cannot change together there. They change together here, by the
 * one thing that is atomic: the removal of a single point. A writer opens a *change* (a point of its own), writes the new
 * version, marks the old one as ended by this change, and removes the change. A search first asks which changes are open and
 * takes what they did as not done. See docs/decisions/0015-search-servers.md for why that holds and what it rests on.
 */
const LEASE_MS = 120_000
/** An abandoned change is kept for whoever may still be writing under it; nobody is after this. */
const ABANDONED_KEPT_MS = 600_000
/** So many documents of one tenant being written at once means that something else is wrong. */
const MAX_CHANGES = 5_000

type Condition =
  | { key: string; match: { value: string } }
  | { key: string; match: { any: string[] } }
  | { key: string; range: { lt?: number; lte?: number; gte?: number } }
  | Filter
type Filter = { must?: Condition[]; must_not?: Condition[] }
type Changes = readonly Change[]
export type Change = { readonly generation: string; readonly state: 'open' | 'abandoned'; readonly openedAtMs: number }
export type Scope = { readonly tenantId: string; readonly documentId?: string | undefined }
export type Store = {
  readonly api: QdrantApi
  readonly collection: string
  readonly dimensions: number
  readonly nowMs: () => number
  readonly signal: AbortSignal
}
/** A version that is being written. */
export type Draft = Required<Scope> & {
  readonly documentId: string
  readonly generation: string
  /** Later than any moment at which a search may have begun without knowing of the change. */
  readonly beganMs: number
  /** Changes of the document that others left unfinished. */
  readonly unfinished: readonly string[]
}

const is = (key: string, value: string): Condition => ({ key, match: { value } })
const anyOf = (key: string, values: readonly string[]): Condition[] =>
  values.length === 0 ? [] : [{ key, match: { any: [...values] } }]
const generationsOf = (changes: Changes) => changes.map(({ generation }) => generation)
const within = ({ tenantId, documentId }: Scope): Condition[] => [
  is('tenant_id', tenantId),
  ...(documentId === undefined ? [] : [is('document_id', documentId)]),
]
const IS_CHANGE: Condition = { key: 'state', match: { any: ['open', 'abandoned'] } }

/** What of a tenant a search sees that began at `atMs` and found these changes open. */
export const visibleFilter = (tenantId: string, atMs: number, changes: Changes): { must: Condition[]; must_not: Condition[] } => {
  const open = generationsOf(changes)
  const ended: Filter = { must: [{ key: 'visible_until', range: { lte: atMs } }], must_not: anyOf('ended_by', open) }
  return {
    must: [is('tenant_id', tenantId), { key: 'visible_from', range: { lte: atMs } }],
    must_not: [...anyOf('generation', open), ended],
  }
}

export function searchFilter({ tenantId, audiences, product, language }: SearchFilter, atMs: number, changes: Changes): Filter {
  const { must, must_not } = visibleFilter(tenantId, atMs, changes)
  must.push(...anyOf('audience', audiences))
  if (product !== undefined) must.push(is('product', product))
  if (language !== undefined) must.push(is('language', language))
  return { must, must_not }
}

const ChangesReply = z.object({
  result: z.object({
    points: z.array(
      z.object({ payload: z.object({ generation: z.string(), state: z.enum(['open', 'abandoned']), opened_at: z.number() }) }),
    ),
  }),
})

/** Changes that were not finished, or not yet. */
export async function changesIn({ api, collection, signal }: Store, scope: Scope): Promise<Change[]> {
  const filter: Filter = { must: [...within(scope), IS_CHANGE] }
  const { data } = await api.scrollPoints(
    { collection_name: collection, filter, limit: MAX_CHANGES, with_payload: true, with_vector: false },
    { signal },
  )
  const { points } = ChangesReply.parse(data).result
  if (points.length === MAX_CHANGES)
    throw retryable('search-server-busy', `${MAX_CHANGES} documents of the tenant are being written`)
  return points.map(({ payload }) => ({ generation: payload.generation, state: payload.state, openedAtMs: payload.opened_at }))
}

/**
 * @param clockSkewMs how far apart the clocks of readers and writers may be
 * @throws `search-document-busy` (retryable) while somebody else writes the same document: each of two sees the other, or at
 *   least one does, because both look after they have opened theirs
 */
export async function openChange(store: Store, scope: Required<Scope>, clockSkewMs: number): Promise<Draft> {
  const generation = randomUUID()
  const documentId = scope.documentId ?? ''
  const payload = { tenant_id: scope.tenantId, document_id: documentId, generation, state: 'open', opened_at: store.nowMs() }
  const vector = Array.from({ length: store.dimensions }, (_, i) => (i === 0 ? 1 : 0))
  await store.api.upsertPoints({ ...durable(store), points: [{ id: generation, vector, payload }] }, { signal: store.signal })
  const beganMs = store.nowMs() + clockSkewMs
  const others = (await changesIn(store, scope)).filter((each) => each.generation !== generation)
  if (others.some(({ state, openedAtMs }) => state === 'open' && openedAtMs > store.nowMs() - LEASE_MS)) {
    await remove(store, [is('generation', generation)])
    throw retryable('search-document-busy', 'another writer is replacing the same document', 1_000)
  }
  for (const other of others) await abandonChange(store, other.generation)
  return { tenantId: scope.tenantId, documentId, generation, beganMs, unfinished: generationsOf(others) }
}

export const payloadOf = ({ tenantId, documentId, generation, beganMs }: Draft, chunk: Chunk) => ({
  tenant_id: tenantId,
  document_id: documentId,
  audience: chunk.audience,
  ...(chunk.product === undefined ? {} : { product: chunk.product }),
  ...(chunk.language === undefined ? {} : { language: chunk.language }),
  generation,
  visible_from: beganMs,
  chunk,
})

/** Marks everything else of the document as ended by this change; what a finished change has ended stays as it is. */
export async function endOthers(store: Store, draft: Draft): Promise<void> {
  const { generation, beganMs, unfinished } = draft
  const ended: Filter = { must: [{ key: 'visible_until', range: { gte: 0 } }], must_not: anyOf('ended_by', unfinished) }
  const filter = { must: within(draft), must_not: [is('generation', generation), IS_CHANGE, ended] }
  const payload = { visible_until: beganMs, ended_by: generation }
  await store.api.setPayload({ ...durable(store), payload, filter }, { signal: store.signal })
}

/**
 * The moment of the change: before it searches see the old version, after it the new one.
 * @throws `search-document-busy` (retryable) when somebody took us for dead and abandoned the change
 */
export async function finishChange(store: Store, draft: Draft): Promise<void> {
  await remove(store, [is('generation', draft.generation), is('state', 'open')])
  const left = (await changesIn(store, draft)).some(({ generation }) => generation === draft.generation)
  if (left) throw retryable('search-document-busy', 'this write took so long that another writer has taken over')
}

/** What the change did will never count, and it cannot be finished any more. */
export async function abandonChange(store: Store, generation: string): Promise<void> {
  const filter = { must: [is('generation', generation), is('state', 'open')] }
  await store.api.setPayload({ ...durable(store), payload: { state: 'abandoned' }, filter }, { signal: store.signal })
}

/** Deletes chunks; a change that is open there is abandoned, so that its writer cannot bring back a part of them. */
export async function deleteChunks(store: Store, scope: Scope): Promise<void> {
  for (const { generation } of await changesIn(store, scope)) await abandonChange(store, generation)
  await remove(store, within(scope), [IS_CHANGE])
}

/** Removes versions that ended before any search that still runs began, and what dead writers left behind. */
export async function tidyUp(store: Store, tenantId: string, endedKeptMs: number): Promise<void> {
  const nowMs = store.nowMs()
  const changes = await changesIn(store, { tenantId })
  const longEnded: Condition = { key: 'visible_until', range: { lt: nowMs - endedKeptMs } }
  await remove(store, [is('tenant_id', tenantId), longEnded], anyOf('ended_by', generationsOf(changes)))
  for (const { generation, state, openedAtMs } of changes) {
    if (state === 'open' && openedAtMs < nowMs - LEASE_MS) await abandonChange(store, generation)
    if (state === 'open' || openedAtMs > nowMs - ABANDONED_KEPT_MS) continue
    await remove(store, [is('tenant_id', tenantId), is('generation', generation)], [IS_CHANGE])
    const marked = { must: [is('tenant_id', tenantId), is('ended_by', generation)] }
    const keys = ['visible_until', 'ended_by']
    await store.api.deletePayload({ ...durable(store), keys, filter: marked }, { signal: store.signal })
    await remove(store, [is('generation', generation), IS_CHANGE])
  }
}

/** Applied everywhere before the reply comes, and in the order in which it was asked for. */
const durable = ({ collection }: Store) => ({ collection_name: collection, wait: true, ordering: 'strong' as const })

async function remove(store: Store, must: Condition[], must_not: Condition[] = []): Promise<void> {
  await store.api.deletePoints({ ...durable(store), filter: { must, must_not } }, { signal: store.signal })
}

const Points = z.object({
  result: z.object({ points: z.array(z.object({ score: z.number(), payload: z.object({ chunk: Chunk }) })) }),
})

/** Hits of a search, best first and ties in a fixed order. */
export const hitsIn = (reply: unknown): ScoredChunk[] =>
  Points.parse(reply)
    .result.points.map(({ score, payload }) => ({ chunk: payload.chunk, score }))
    .sort((a, b) => b.score - a.score || (a.chunk.id < b.chunk.id ? -1 : 1))
