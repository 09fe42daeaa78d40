import { Client } from '@elastic/elasticsearch'
import * as z from 'zod'
import { systemClock } from '#shared/adapters/state/clock.system.ts'
import { groupCommit } from '#shared/database/group-commit.ts'
import type { Chunk } from '#shared/domain/document.ts'
import { retryable } from '#shared/domain/failure.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { ScoredChunk, SearchFilter, SparseIndex } from '#shared/ports/search-index.ts'
import { ensureIndex, type IndexNames, indexNames, MAX_RESULTS } from './elasticsearch-mapping.ts'
import { bestOf, chunksBody, hitsByDocument, isComplete, queryWords, searchBody } from './elasticsearch-query.ts'
import { elasticsearchError, failureOfServer, type ServerCall, serverCall } from './search-server-failure.ts'

export type ElasticsearchLimits = { readonly searchDeadlineMs: number; readonly writeDeadlineMs: number }
const LIMITS: ElasticsearchLimits = { searchDeadlineMs: 5_000, writeDeadlineMs: 30_000 }
/** Elasticsearch takes 100 MB a request and works best far below. */
const MAX_BULK_BYTES = 10 * 1_048_576
const PER_DOCUMENT = 10

export type ElasticsearchSparseIndexOptions = {
  readonly url: string
  readonly apiKey?: string | undefined
  readonly indexPrefix?: string
  readonly clock?: Clock
  readonly limits?: Partial<ElasticsearchLimits>
}
type Write = { readonly action: string; readonly document: string; readonly caller: AbortSignal }

const BulkReply = z.object({
  items: z.array(
    z.object({
      index: z.object({
        status: z.int(),
        error: z.object({ type: z.string(), reason: z.string().nullish() }).optional(),
      }),
    }),
  ),
})
const DeleteReply = z.object({ total: z.int(), version_conflicts: z.int(), failures: z.array(z.unknown()) })
const CountReply = z.object({ aggregations: z.object({ chunks: z.object({ value: z.number() }) }) })

/**
 * BM25 in Elasticsearch. Replacing a document returns when searches see the new version (the index's next refresh, within a
 * second). All failures are `StepFailure`s with the codes of search-server-failure.ts.
 */
export function createElasticsearchSparseIndex(
  options: ElasticsearchSparseIndexOptions,
): SparseIndex & { ensure(): Promise<void>; close(): Promise<void> } {
  return new ElasticsearchSparseIndex(options)
}

class ElasticsearchSparseIndex implements SparseIndex {
  readonly #client: Client
  readonly #names: IndexNames
  readonly #limits: ElasticsearchLimits
  readonly #call: ServerCall
  /** Documents that are written at the same time travel together. */
  readonly #enqueue = groupCommit((writes: readonly Write[]) => this.#writeAll(writes), { maxItems: 64, maxInFlight: 2 })
  #ensured: Promise<void> | undefined

  constructor({ url, apiKey, indexPrefix = 'answerline', clock = systemClock, limits }: ElasticsearchSparseIndexOptions) {
    this.#client = new Client({
      node: url,
      ...(apiKey === undefined ? {} : { auth: { apiKey } }),
      maxRetries: 0,
      // Our deadlines are shorter; this only ends what nobody waits for any more.
      requestTimeout: 120_000,
    })
    this.#names = indexNames(indexPrefix)
    this.#limits = { ...LIMITS, ...limits }
    this.#call = serverCall('elasticsearch', (error) => elasticsearchError(error, clock.now()))
  }

  /** Creates or migrates the index once per process; a failed attempt is made anew by the next caller. */
  ensure(): Promise<void> {
    this.#ensured ??= this.#write(new AbortController().signal, (both) => ensureIndex(this.#client, this.#names, both)).catch(
      (error: unknown) => {
        this.#ensured = undefined
        throw error
      },
    )
    return this.#ensured
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async replaceDocument(tenantId: string, documentId: string, items: readonly Chunk[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await this.#write(signal, () => this.ensure())
    if (items.length === 0) return this.deleteDocument(tenantId, documentId, signal)
    const action = JSON.stringify({ index: { _id: `${tenantId}:${documentId}`, routing: tenantId } })
    const body = { tenant_id: tenantId, document_id: documentId, chunk_count: items.length, chunks: items.map(withPlace) }
    const write = { action, document: JSON.stringify(body), caller: signal }
    await this.#call(signal, 2 * this.#limits.writeDeadlineMs, async () => {
      const failure = await this.#enqueue(write)
      if (failure !== undefined) throw failure
    })
  }

  async deleteDocument(tenantId: string, documentId: string, signal: AbortSignal): Promise<void> {
    await this.#deleteWhere(tenantId, { document_id: documentId }, signal)
  }

  async deleteTenant(tenantId: string, signal: AbortSignal): Promise<void> {
    await this.#deleteWhere(tenantId, {}, signal)
  }

  async search(query: string, filter: SearchFilter, limit: number, signal: AbortSignal): Promise<ScoredChunk[]> {
    signal.throwIfAborted()
    const words = queryWords(query)
    const wanted = Math.min(limit, MAX_RESULTS)
    if (words.length === 0 || wanted < 1 || filter.audiences.length === 0) return []
    return this.#call(signal, this.#limits.searchDeadlineMs, async (both) => {
      const few = { words, filter, limit: wanted, perDocument: Math.min(wanted, PER_DOCUMENT) }
      const documents = await this.#documents(few, both)
      if (isComplete(documents, few)) return bestOf(documents, wanted)
      return bestOf(await this.#documents({ ...few, perDocument: wanted }, both), wanted)
    })
  }

  async chunksAt(filter: SearchFilter, documentId: string, positions: readonly number[], signal: AbortSignal): Promise<Chunk[]> {
    signal.throwIfAborted()
    if (positions.length === 0 || filter.audiences.length === 0) return []
    return this.#call(signal, this.#limits.searchDeadlineMs, async (both) => {
      const where = { index: this.#names.alias, routing: filter.tenantId, allow_partial_search_results: false }
      const reply = await this.#client.search({ ...where, ...chunksBody(filter, documentId, positions) }, { signal: both })
      return hitsByDocument(reply).flatMap((hits) => hits.map(({ chunk }) => chunk))
    })
  }

  async count(tenantId: string, signal: AbortSignal): Promise<number> {
    const query = { bool: { filter: [{ term: { tenant_id: tenantId } }] } }
    const aggs = { chunks: { sum: { field: 'chunk_count' } } }
    return this.#call(signal, this.#limits.searchDeadlineMs, async (both) => {
      const where = { index: this.#names.alias, routing: tenantId, allow_partial_search_results: false }
      const reply = await this.#client.search({ ...where, size: 0, query, aggs }, { signal: both })
      return CountReply.parse(reply).aggregations.chunks.value
    })
  }

  async health(signal: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    try {
      return await this.#call(signal, this.#limits.searchDeadlineMs, async (both) => {
        const { status, number_of_nodes: nodes } = await this.#client.cluster.health({}, { signal: both })
        const there = await this.#client.indices.existsAlias({ name: this.#names.alias }, { signal: both })
        const detail = `elasticsearch, cluster ${status}, ${nodes} nodes${there ? '' : `, no index ${this.#names.index} yet`}`
        return { ok: there && status !== 'red', detail }
      })
    } catch (error) {
      return { ok: false, detail: error instanceof Error ? error.message : String(error) }
    }
  }

  #write<T>(caller: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#call(caller, this.#limits.writeDeadlineMs, work)
  }

  async #documents(search: Parameters<typeof searchBody>[0], signal: AbortSignal) {
    const { tenantId } = search.filter
    // Without this a shard that is down would look like a tenant without documents.
    const where = { index: this.#names.alias, routing: tenantId, allow_partial_search_results: false }
    return hitsByDocument(await this.#client.search({ ...where, ...searchBody(search) }, { signal }))
  }

  /** One outcome per write: undefined, or why this document was not written. Never throws, so that neighbours do not suffer. */
  async #writeAll(writes: readonly Write[]): Promise<unknown[]> {
    const outcomes: unknown[] = []
    for (const group of bySize(writes)) {
      const waiting = group.filter(({ caller }) => !caller.aborted)
      const written = waiting.length === 0 ? [] : await this.#bulk(waiting).catch((error: unknown) => waiting.map(() => error))
      const outcomeOf = new Map(waiting.map((write, i) => [write, written[i]]))
      outcomes.push(...group.map((write) => (outcomeOf.has(write) ? outcomeOf.get(write) : write.caller.reason)))
    }
    return outcomes
  }

  #bulk(writes: readonly Write[]): Promise<unknown[]> {
    return this.#write(new AbortController().signal, async (signal) => {
      const operations = writes.flatMap(({ action, document }) => [action, document])
      const where = { index: this.#names.alias, require_alias: true, refresh: 'wait_for' as const }
      const { items } = BulkReply.parse(await this.#client.bulk({ ...where, operations }, { signal }))
      if (items.length !== writes.length) {
        throw retryable('search-server-bad-reply', `${items.length} outcomes for ${writes.length} documents`)
      }
      const refused = items.filter(({ index }) => index.error !== undefined).length
      return items.map(({ index: { status, error } }) => {
        if (error === undefined) return undefined
        const message = `${refused} of ${writes.length} documents of a bulk request were refused, this one: ${error.reason ?? status}`
        return failureOfServer({ status, code: error.type, message })
      })
    })
  }

  /** In the indexes of all formats. Refreshed first, because a deletion by query overlooks what searches do not see yet. */
  async #deleteWhere(tenantId: string, more: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    const index = this.#names.everyFormat
    const filter = Object.entries({ tenant_id: tenantId, ...more }).map(([field, value]) => ({ term: { [field]: value } }))
    const { total, version_conflicts, failures } = await this.#write(signal, async (both) => {
      await this.#client.indices.refresh({ index }, { signal: both })
      const where = { index, routing: tenantId, refresh: true, conflicts: 'proceed' as const }
      return DeleteReply.parse(await this.#client.deleteByQuery({ ...where, query: { bool: { filter } } }, { signal: both }))
    })
    const left = version_conflicts + failures.length
    if (left > 0)
      throw retryable('search-server-conflict', `${left} of ${total} documents were not deleted, others were writing them`)
  }
}

const withPlace = (chunk: Chunk) => ({ ...chunk, place: String(chunk.position) })

/** Groups of up to 10 MB; a document that is larger goes alone. */
function bySize(writes: readonly Write[]): Write[][] {
  const groups: Write[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const write of writes) {
    const size = Buffer.byteLength(write.document)
    if (bytes + size > MAX_BULK_BYTES) {
      groups.push([])
      bytes = 0
    }
    bytes += size
    groups.at(-1)!.push(write)
  }
  return groups
}
