import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '#shared/adapters/state/clock.system.ts'
import type { Chunk } from '#shared/domain/document.ts'
import { terminal } from '#shared/domain/failure.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { DenseIndex, ScoredChunk, SearchFilter } from '#shared/ports/search-index.ts'
import {
  collectionInfo,
  collectionName,
  type EmbedderIdentity,
  ensureCollection,
  ownCollections,
  type QdrantApi,
  qdrantApi,
} from './qdrant-collection.ts'
import {
  abandonChange,
  changesIn,
  type Draft,
  deleteChunks,
  endOthers,
  finishChange,
  hitsIn,
  openChange,
  payloadOf,
  type Scope,
  type Store,
  searchFilter,
  tidyUp,
  visibleFilter,
} from './qdrant-versions.ts'
import { qdrantError, type ServerCall, serverCall } from './search-server-failure.ts'

export type QdrantLimits = {
  readonly searchDeadlineMs: number
  /** Of one request. */
  readonly writeDeadlineMs: number
  /** Of a whole document, however many requests that takes; less than the lease of a change. */
  readonly replaceDeadlineMs: number
  /** How far apart the clocks of our machines may be; every replaced document waits twice as long. */
  readonly maxClockSkewMs: number
  /** How long an ended version is kept, counted from the begin of the change: longer than a replacement and a search together. */
  readonly endedKeptMs: number
}
const LIMITS: QdrantLimits = {
  searchDeadlineMs: 5_000,
  writeDeadlineMs: 30_000,
  replaceDeadlineMs: 60_000,
  maxClockSkewMs: 250,
  endedKeptMs: 90_000,
}
/** 128 vectors of 3,072 numbers are about 8 MB of JSON; the server takes 32 MB unless told otherwise. */
const POINTS_PER_REQUEST = 128
const ABANDON_DEADLINE_MS = 3_000

export type QdrantDenseIndexOptions = {
  /** Port 6333 unless the URL says otherwise. */
  readonly url: string
  readonly apiKey?: string | undefined
  readonly embedder: EmbedderIdentity
  readonly collectionPrefix?: string
  readonly clock?: Clock
  /** Resolves at `at` or later by the same clock. */
  readonly waitUntil?: (at: Date, signal: AbortSignal) => Promise<void>
  readonly limits?: Partial<QdrantLimits>
}
type Item = { readonly chunk: Chunk; readonly vector: Float32Array }

/**
 * Nearest neighbours in Qdrant, one collection per embedder. Replacing a document returns when every reader sees the new
 * version, half a second later. All failures are `StepFailure`s with the codes of search-server-failure.ts, or `embedder-changed`.
 */
export function createQdrantDenseIndex(options: QdrantDenseIndexOptions): DenseIndex & { ensure(): Promise<void> } {
  return new QdrantDenseIndex(options)
}

class QdrantDenseIndex implements DenseIndex {
  readonly #api: QdrantApi
  readonly #embedder: EmbedderIdentity
  readonly #prefix: string
  readonly #collection: string
  readonly #clock: Clock
  readonly #waitUntil: (at: Date, signal: AbortSignal) => Promise<void>
  readonly #limits: QdrantLimits
  readonly #call: ServerCall
  /** Tenants whose ended versions will be removed before long. */
  readonly #tidying = new Set<string>()
  #ensured: Promise<void> | undefined

  constructor(options: QdrantDenseIndexOptions) {
    this.#api = qdrantApi(options)
    this.#embedder = options.embedder
    this.#prefix = options.collectionPrefix ?? 'answerline'
    this.#collection = collectionName(this.#prefix, options.embedder)
    this.#clock = options.clock ?? systemClock
    this.#waitUntil =
      options.waitUntil ?? ((at, signal) => delay(Math.max(0, at.getTime() - this.#clock.now().getTime()), undefined, { signal }))
    this.#limits = { ...LIMITS, ...options.limits }
    this.#call = serverCall('qdrant', (error) => qdrantError(error, this.#clock.now()))
  }

  /** Creates or migrates the collection once per process; a failed attempt is made anew by the next caller. */
  ensure(): Promise<void> {
    this.#ensured ??= this.#write(new AbortController().signal, (store) =>
      ensureCollection(store.api, store.collection, this.#embedder, store.signal),
    ).catch((error: unknown) => {
      this.#ensured = undefined
      throw error
    })
    return this.#ensured
  }

  async replaceDocument(tenantId: string, documentId: string, items: readonly Item[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    for (const { vector } of items) this.#check(vector)
    await this.#write(signal, () => this.ensure())
    if (items.length === 0) return this.deleteDocument(tenantId, documentId, signal)
    const { replaceDeadlineMs, maxClockSkewMs } = this.#limits
    const draft = await this.#call(signal, replaceDeadlineMs, async (all) => {
      const opened = await this.#write(all, (store) => openChange(store, { tenantId, documentId }, maxClockSkewMs))
      try {
        await this.#writeChunks(opened, items, all)
        await this.#write(all, (store) => endOthers(store, opened))
        await this.#write(all, (store) => finishChange(store, opened))
        return opened
      } catch (error) {
        await this.#abandon(opened)
        throw error
      }
    })
    this.#tidyLater(tenantId)
    await this.#waitUntil(new Date(draft.beganMs + maxClockSkewMs), signal).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error
    })
  }

  async deleteDocument(tenantId: string, documentId: string, signal: AbortSignal): Promise<void> {
    await this.#deleteEverywhere({ tenantId, documentId }, signal)
  }

  async deleteTenant(tenantId: string, signal: AbortSignal): Promise<void> {
    await this.#deleteEverywhere({ tenantId }, signal)
  }

  async search(vector: Float32Array, filter: SearchFilter, limit: number, signal: AbortSignal): Promise<ScoredChunk[]> {
    signal.throwIfAborted()
    this.#check(vector)
    if (limit < 1 || filter.audiences.length === 0) return []
    return this.#call(signal, this.#limits.searchDeadlineMs, async (both) => {
      const atMs = this.#clock.now().getTime()
      const changes = await changesIn(this.#store(both), { tenantId: filter.tenantId })
      const { data } = await this.#api.queryPoints(
        {
          collection_name: this.#collection,
          query: Array.from(vector),
          filter: searchFilter(filter, atMs, changes),
          limit,
          with_payload: ['chunk'],
          with_vector: false,
        },
        { signal: both },
      )
      return hitsIn(data)
    })
  }

  async count(tenantId: string, signal: AbortSignal): Promise<number> {
    return this.#call(signal, this.#limits.searchDeadlineMs, async (both) => {
      const atMs = this.#clock.now().getTime()
      const filter = visibleFilter(tenantId, atMs, await changesIn(this.#store(both), { tenantId }))
      const { data } = await this.#api.countPoints({ collection_name: this.#collection, filter, exact: true }, { signal: both })
      return data.result?.count ?? 0
    })
  }

  async health(signal: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    try {
      return await this.#call(signal, this.#limits.searchDeadlineMs, async (both) => {
        const info = await collectionInfo(this.#api, this.#collection, both)
        if (info === undefined) return { ok: false, detail: `qdrant has no collection ${this.#collection} yet` }
        return { ok: info.status !== 'red', detail: `qdrant, collection ${info.status}, ${info.points_count ?? 0} points` }
      })
    } catch (error) {
      return { ok: false, detail: error instanceof Error ? error.message : String(error) }
    }
  }

  #check(vector: Float32Array): void {
    const { dimensions } = this.#embedder
    if (vector.length === dimensions) return
    throw terminal('embedder-changed', `a vector has ${vector.length} dimensions, the index ${dimensions}`)
  }

  #store(signal: AbortSignal, collection = this.#collection): Store {
    const nowMs = () => this.#clock.now().getTime()
    return { api: this.#api, collection, dimensions: this.#embedder.dimensions, nowMs, signal }
  }

  #write<T>(caller: AbortSignal, work: (store: Store) => Promise<T>, collection?: string): Promise<T> {
    return this.#call(caller, this.#limits.writeDeadlineMs, (signal) => work(this.#store(signal, collection)))
  }

  async #writeChunks(draft: Draft, items: readonly Item[], signal: AbortSignal): Promise<void> {
    for (let from = 0; from < items.length; from += POINTS_PER_REQUEST) {
      const points = items.slice(from, from + POINTS_PER_REQUEST).map(({ chunk, vector }) => ({
        id: randomUUID(),
        vector: Array.from(vector),
        payload: payloadOf(draft, chunk),
      }))
      const where = { collection_name: this.#collection, wait: true, ordering: 'strong' as const }
      await this.#write(signal, (store) => store.api.upsertPoints({ ...where, points }, { signal: store.signal }))
    }
  }

  /** Lets the next try begin at once; where even this fails, it begins when the lease is over. */
  async #abandon({ generation }: Draft): Promise<void> {
    await this.#call(new AbortController().signal, ABANDON_DEADLINE_MS, (signal) =>
      abandonChange(this.#store(signal), generation),
    ).catch(() => {})
  }

  /** In the collections of former embedders too: what is deleted leaves no trace. */
  async #deleteEverywhere(scope: Scope, signal: AbortSignal): Promise<void> {
    const names = await this.#write(signal, (store) => ownCollections(store.api, this.#prefix, store.signal))
    for (const name of names) await this.#write(signal, (store) => deleteChunks(store, scope), name)
  }

  #tidyLater(tenantId: string): void {
    if (this.#tidying.has(tenantId)) return
    this.#tidying.add(tenantId)
    const { endedKeptMs } = this.#limits
    const tidy = async () => {
      this.#tidying.delete(tenantId)
      await this.#write(new AbortController().signal, (store) => tidyUp(store, tenantId, endedKeptMs))
    }
    // Invisible to everybody, so a failure harms nobody, and the tenant's next document brings the next try.
    setTimeout(() => void tidy().catch(() => {}), 2 * endedKeptMs).unref()
  }
}
