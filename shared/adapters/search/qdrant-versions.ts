import * as z from 'zod'
import { Chunk } from '#shared/domain/document.ts'
import { retryable } from '#shared/domain/failure.ts'
import type { ScoredChunk, SearchFilter } from '#shared/ports/search-index.ts'
import type { QdrantApi } from './qdrant-collection.ts'

/**
 * Qdrant changes points one by one, so a document's chunks cannot change together there. They change together here: every
 * point says from when until when it is visible, a version is written invisible, and a moment that is still to come is then
 * written on the new version (visible from) and on the old one (visible until). A search asks for what is visible at one
 * moment, so it sees either. See docs/decisions/0015-search-servers.md for what this rests on.
 */
export const NEVER_MS = 8_640_000_000_000_000
/** A version this old that was never made visible was left behind by a writer that died. */
const ABANDONED_MS = 3_600_000

type Condition =
  | { key: string; match: { value: string } }
  | { key: string; match: { any: string[] } }
  | { key: string; range: { lt?: number; lte?: number; gte?: number } }
  | { must: Condition[] }
type Filter = { must?: Condition[]; must_not?: Condition[]; should?: Condition[] }

const is = (key: string, value: string): Condition => ({ key, match: { value } })
const ofDocument = (tenantId: string, documentId: string) => [is('tenant_id', tenantId), is('document_id', documentId)]

export const tenantFilter = (tenantId: string): Filter => ({ must: [is('tenant_id', tenantId)] })
export const documentFilter = (tenantId: string, documentId: string): Filter => ({ must: ofDocument(tenantId, documentId) })

/** What of a tenant is visible at one moment. */
export const visibleFilter = (tenantId: string, atMs: number): { must: Condition[]; must_not: Condition[] } => ({
  must: [is('tenant_id', tenantId), { key: 'visible_from', range: { lte: atMs } }],
  must_not: [{ key: 'visible_until', range: { lte: atMs } }],
})

export function searchFilter({ tenantId, audiences, product, language }: SearchFilter, atMs: number): Filter {
  const { must, must_not } = visibleFilter(tenantId, atMs)
  must.push({ key: 'audience', match: { any: [...audiences] } })
  if (product !== undefined) must.push(is('product', product))
  if (language !== undefined) must.push(is('language', language))
  return { must, must_not }
}

/** What no search can ask for any more, and what never became visible. */
export const leftoversFilter = (tenantId: string, nowMs: number, keptMs: number): Filter => ({
  must: [is('tenant_id', tenantId)],
  should: [
    { key: 'visible_until', range: { lt: nowMs - keptMs } },
    {
      must: [
        { key: 'visible_from', range: { gte: NEVER_MS } },
        { key: 'written_at', range: { lt: nowMs - ABANDONED_MS } },
      ],
    },
  ],
})

export const payloadOf = ({ tenantId, documentId, generation }: Version, chunk: Chunk, writtenAtMs: number) => ({
  tenant_id: tenantId,
  document_id: documentId,
  audience: chunk.audience,
  ...(chunk.product === undefined ? {} : { product: chunk.product }),
  ...(chunk.language === undefined ? {} : { language: chunk.language }),
  generation,
  visible_from: NEVER_MS,
  written_at: writtenAtMs,
  chunk,
})

export type Version = { readonly tenantId: string; readonly documentId: string; readonly generation: string }
export type Store = { readonly api: QdrantApi; readonly collection: string; readonly signal: AbortSignal }

/**
 * Writes on the version the moment at which it becomes visible and on every earlier one that it ends then. One request, two
 * operations in this order: if the server dies between them, both versions are visible for a while, and searches drop the older.
 */
export async function makeVisible({ api, collection, signal }: Store, version: Version, bornAtMs: number): Promise<void> {
  const { tenantId, documentId, generation } = version
  const document = ofDocument(tenantId, documentId)
  const born = { payload: { visible_from: bornAtMs }, filter: { must: [...document, is('generation', generation)] } }
  const ended = {
    payload: { visible_until: bornAtMs },
    filter: {
      must: [...document, { key: 'visible_from', range: { lt: bornAtMs } }],
      must_not: [is('generation', generation), { key: 'visible_until', range: { lte: bornAtMs } }],
    },
  }
  await api.batchUpdate(
    { collection_name: collection, wait: true, ordering: 'strong', operations: [{ set_payload: born }, { set_payload: ended }] },
    { signal },
  )
}

/**
 * Several writers of one document may have chosen their moments without knowing of each other. Each looks again after it has
 * written its own down, so the last one sees all: a version ends when the next begins, and of two with the same moment
 * the one with the greater generation stays.
 */
export async function yieldToRivals(store: Store, version: Version, bornAtMs: number): Promise<void> {
  const { tenantId, documentId, generation } = version
  const rivals: Filter = {
    must: [...ofDocument(tenantId, documentId), { key: 'visible_from', range: { gte: bornAtMs, lt: NEVER_MS } }],
    must_not: [is('generation', generation), { key: 'visible_until', range: { lte: bornAtMs } }],
  }
  for (;;) {
    const rival = await firstBirth(store, rivals, 'asc')
    if (rival === undefined) return
    if (rival.bornAtMs > bornAtMs || rival.generation > generation) return endVersion(store, version, rival.bornAtMs)
    await endVersion(store, { ...version, generation: rival.generation }, bornAtMs)
  }
}

async function endVersion({ api, collection, signal }: Store, version: Version, untilMs: number): Promise<void> {
  const { tenantId, documentId, generation } = version
  const filter = { must: [...ofDocument(tenantId, documentId), is('generation', generation)] }
  const payload = { visible_until: untilMs }
  await api.setPayload({ collection_name: collection, wait: true, ordering: 'strong', payload, filter }, { signal })
}

/** The latest moment at which a version of the document becomes, or became, visible. */
export async function latestBirthMs(store: Store, tenantId: string, documentId: string): Promise<number> {
  const filter: Filter = { must: [...ofDocument(tenantId, documentId), { key: 'visible_from', range: { lt: NEVER_MS } }] }
  return (await firstBirth(store, filter, 'desc'))?.bornAtMs ?? 0
}

const Births = z.object({
  result: z.object({ points: z.array(z.object({ payload: z.object({ visible_from: z.number(), generation: z.string() }) })) }),
})

async function firstBirth({ api, collection, signal }: Store, filter: Filter, direction: 'asc' | 'desc') {
  const { data } = await api.scrollPoints(
    {
      collection_name: collection,
      filter,
      order_by: { key: 'visible_from', direction },
      limit: 1,
      with_payload: ['visible_from', 'generation'],
      with_vector: false,
    },
    { signal },
  )
  const first = Births.parse(data).result.points[0]?.payload
  return first && { bornAtMs: first.visible_from, generation: first.generation }
}

/** @throws `search-clock-skew` (retryable) when another machine's clock is so far ahead that waiting for it is no use */
export function nextMoment(nowMs: number, leadMs: number, latestMs: number, maxAheadMs: number): number {
  const bornAtMs = Math.max(nowMs + leadMs, latestMs + 1)
  if (bornAtMs - nowMs <= Math.max(maxAheadMs, leadMs)) return bornAtMs
  const aheadMs = latestMs - nowMs
  throw retryable('search-clock-skew', `a version of this document was written by a clock ${aheadMs} ms ahead of ours`, aheadMs)
}

const Points = z.object({
  result: z.object({
    points: z.array(z.object({ score: z.number(), payload: z.object({ chunk: Chunk, visible_from: z.number() }) })),
  }),
})

/** Hits of a search, best first and ties in a fixed order; of a document that shows two versions, the newer. */
export function hitsIn(reply: unknown): ScoredChunk[] {
  const { points } = Points.parse(reply).result
  const newest = new Map<string, number>()
  for (const { payload } of points) {
    const { documentId } = payload.chunk
    newest.set(documentId, Math.max(newest.get(documentId) ?? 0, payload.visible_from))
  }
  return points
    .filter(({ payload }) => payload.visible_from === newest.get(payload.chunk.documentId))
    .map(({ score, payload }) => ({ chunk: payload.chunk, score }))
    .sort((a, b) => b.score - a.score || (a.chunk.id < b.chunk.id ? -1 : 1))
}
