import { createHash } from 'node:crypto'
import { QdrantClient } from '@qdrant/js-client-rest'
import * as z from 'zod'
import { terminal } from '#shared/domain/failure.ts'

export type QdrantApi = ReturnType<QdrantClient['api']>
export type EmbedderIdentity = { readonly id: string; readonly dimensions: number }

/** Grows with every change that a collection in use cannot take over; then a new collection is built beside the old one. */
const FORMAT = 1
const PREFIX = /^[a-z0-9][a-z0-9-]{0,59}$/

/**
 * The client's own functions: unlike its methods they take an AbortSignal, which covers the body of the reply too. Its timeout
 * must be infinite for that, because a finite one replaces the signal.
 */
export function qdrantApi({ url, apiKey }: { readonly url: string; readonly apiKey?: string | undefined }): QdrantApi {
  const { protocol, hostname, port, pathname } = new URL(url)
  const path = pathname.replace(/\/$/, '')
  const client = new QdrantClient({
    host: hostname,
    port: port === '' ? 6333 : Number(port),
    https: protocol === 'https:',
    ...(path === '' ? {} : { prefix: path }),
    ...(apiKey === undefined ? {} : { apiKey }),
    timeout: Number.POSITIVE_INFINITY,
    checkCompatibility: false,
  })
  return client.api()
}

/**
 * `answerline_openai-text-embedding-3-small-9f86d081_1536d_v1`: vectors of two embedders, or of two lengths, never share a
 * collection, so another embedder is built beside the old one and nothing can mix.
 */
export function collectionName(prefix: string, { id, dimensions }: EmbedderIdentity): string {
  if (!PREFIX.test(prefix)) throw new TypeError(`"${prefix}" is not a prefix: small letters, digits and hyphens only`)
  const readable = id.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 60)
  const exact = createHash('sha256').update(id).digest('hex').slice(0, 8)
  return `${prefix}_${readable}-${exact}_${dimensions}d_v${FORMAT}`
}

/** Collections of every embedder and format that this prefix ever had: a deletion must reach them all. */
export async function ownCollections(api: QdrantApi, prefix: string, signal: AbortSignal): Promise<string[]> {
  const { result } = Collections.parse((await api.getCollections({}, { signal })).data)
  return result.collections.map(({ name }) => name).filter((name) => name.startsWith(`${prefix}_`) && /_\d+d_v\d+$/.test(name))
}

const Collections = z.object({ result: z.object({ collections: z.array(z.object({ name: z.string() })) }) })
const CollectionInfo = z.object({
  result: z.object({
    status: z.string(),
    points_count: z.int().nullish(),
    config: z.object({ params: z.object({ vectors: z.object({ size: z.int(), distance: z.string() }) }) }),
    payload_schema: z.record(z.string(), z.object({ data_type: z.string() })),
  }),
})
export type CollectionInfo = z.infer<typeof CollectionInfo>['result']

/** @returns undefined when there is no such collection */
export async function collectionInfo(api: QdrantApi, name: string, signal: AbortSignal): Promise<CollectionInfo | undefined> {
  try {
    return CollectionInfo.parse((await api.getCollection({ collection_name: name }, { signal })).data).result
  } catch (error) {
    if ((error as { status?: unknown }).status === 404) return undefined
    throw error
  }
}

/**
 * Only the tenant's index builds links in the graph (`payload_m`): every search names a tenant, so the graph of the whole
 * collection (`m`) would never be used, and a graph per audience or per hour costs and gives nothing.
 */
const PAYLOAD_INDEXES = {
  tenant_id: { type: 'keyword', is_tenant: true },
  document_id: { type: 'keyword', enable_hnsw: false },
  generation: { type: 'keyword', enable_hnsw: false },
  ended_by: { type: 'keyword', enable_hnsw: false },
  state: { type: 'keyword', enable_hnsw: false },
  audience: { type: 'keyword', enable_hnsw: false },
  product: { type: 'keyword', enable_hnsw: false },
  language: { type: 'keyword', enable_hnsw: false },
  visible_from: { type: 'integer', lookup: false, range: true, enable_hnsw: false },
  visible_until: { type: 'integer', lookup: false, range: true, enable_hnsw: false },
} as const
const HNSW = { m: 0, payload_m: 16, ef_construct: 128 }

/**
 * Creates the collection, or adds the payload indexes that an older one lacks. Safe to run at the same time from anywhere.
 * @throws `search-index-version` (terminal) when a collection of this name has other vectors
 */
export async function ensureCollection(
  api: QdrantApi,
  name: string,
  { dimensions }: EmbedderIdentity,
  signal: AbortSignal,
): Promise<void> {
  const info = (await collectionInfo(api, name, signal)) ?? (await createCollection(api, name, dimensions, signal))
  const { size, distance } = info.config.params.vectors
  if (size !== dimensions || distance !== 'Cosine') {
    throw terminal('search-index-version', `collection ${name} holds ${distance} vectors of ${size}, not Cosine of ${dimensions}`)
  }
  for (const [field, schema] of Object.entries(PAYLOAD_INDEXES)) {
    const found = info.payload_schema[field]?.data_type
    if (found === schema.type) continue
    if (found !== undefined) {
      throw terminal('search-index-version', `collection ${name} indexes ${field} as ${found}, not as ${schema.type}`)
    }
    await api.createFieldIndex(
      { collection_name: name, wait: true, ordering: 'strong', field_name: field, field_schema: schema },
      { signal },
    )
  }
}

async function createCollection(api: QdrantApi, name: string, size: number, signal: AbortSignal): Promise<CollectionInfo> {
  let refusal: unknown
  try {
    const vectors = { size, distance: 'Cosine' as const }
    await api.createCollection({ collection_name: name, vectors, hnsw_config: HNSW, on_disk_payload: true }, { signal })
  } catch (error) {
    // Somebody else may have been faster; versions of the server differ in how they say so.
    refusal = error
  }
  const info = await collectionInfo(api, name, signal)
  if (info === undefined) throw refusal ?? terminal('search-index-missing', `collection ${name} vanished after it was created`)
  return info
}
