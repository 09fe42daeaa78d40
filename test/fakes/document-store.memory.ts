import type { Chunk, SourceDocument } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { DocumentStore, IndexingState, StoredDocument } from '#shared/ports/document-store.ts'

type Row = {
  document: StoredDocument
  parsed?: { contentHash: string; value: ParsedDocument }
  chunks?: { contentHash: string; value: readonly Chunk[] }
  readonly vectors: Map<string, Float32Array>
}

export class MemoryDocumentStore implements DocumentStore {
  readonly #rows = new Map<string, Row>()
  readonly #originals = new Map<string, Uint8Array>()

  /** As the API would: a new document, or a new version of one. */
  put(document: SourceDocument, original?: Uint8Array): void {
    const row = this.#rows.get(keyOf(document.tenantId, document.id))
    const stored: StoredDocument = { ...document, state: 'queued' }
    if (original) this.#originals.set(`${keyOf(document.tenantId, document.id)} ${document.contentHash}`, original)
    if (row) row.document = stored
    else this.#rows.set(keyOf(document.tenantId, document.id), { document: stored, vectors: new Map() })
  }

  delete(tenantId: string, documentId: string): void {
    this.#rows.delete(keyOf(tenantId, documentId))
  }

  async get(tenantId: string, documentId: string): Promise<StoredDocument | undefined> {
    return this.#rows.get(keyOf(tenantId, documentId))?.document
  }

  async list(tenantId: string, { state, after = '', limit }: Parameters<DocumentStore['list']>[1]): Promise<StoredDocument[]> {
    return [...this.#rows.values()]
      .map(({ document }) => document)
      .filter((document) => document.tenantId === tenantId && document.id > after && (state ?? document.state) === document.state)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map((document) => ({ ...document, text: '' }))
  }

  async originalOf(tenantId: string, documentId: string, contentHash: string): Promise<Uint8Array | undefined> {
    return this.#originals.get(`${keyOf(tenantId, documentId)} ${contentHash}`)
  }

  async markState(tenantId: string, documentId: string, contentHash: string, state: IndexingState): Promise<boolean> {
    const row = this.#current(tenantId, documentId, contentHash)
    if (!row) return false
    const { code: _code, reason: _reason, ...rest } = row.document
    row.document = { ...rest, ...state }
    return true
  }

  async saveParsed(tenantId: string, documentId: string, contentHash: string, value: ParsedDocument): Promise<void> {
    const row = this.#current(tenantId, documentId, contentHash)
    if (!row) return
    row.parsed = { contentHash, value }
    row.document = { ...row.document, foundTitle: value.title }
  }

  async parsedOf(tenantId: string, documentId: string, contentHash: string): Promise<ParsedDocument | undefined> {
    const parsed = this.#rows.get(keyOf(tenantId, documentId))?.parsed
    return parsed?.contentHash === contentHash ? parsed.value : undefined
  }

  async saveChunks(tenantId: string, documentId: string, contentHash: string, value: readonly Chunk[]): Promise<void> {
    const row = this.#current(tenantId, documentId, contentHash)
    if (row) row.chunks = { contentHash, value }
  }

  async chunksOf(tenantId: string, documentId: string, contentHash: string): Promise<Chunk[]> {
    const chunks = this.#rows.get(keyOf(tenantId, documentId))?.chunks
    return chunks?.contentHash === contentHash ? [...chunks.value] : []
  }

  async vectorsOf(tenantId: string, documentId: string, embedderId: string, textHashes: readonly string[]) {
    const vectors = this.#rows.get(keyOf(tenantId, documentId))?.vectors ?? new Map<string, Float32Array>()
    const found = new Map<string, Float32Array>()
    for (const hash of textHashes) {
      const vector = vectors.get(`${embedderId} ${hash}`)
      if (vector) found.set(hash, vector)
    }
    return found
  }

  async saveVectors(tenantId: string, documentId: string, embedderId: string, vectors: ReadonlyMap<string, Float32Array>) {
    const row = this.#rows.get(keyOf(tenantId, documentId))
    for (const [hash, vector] of vectors) row?.vectors.set(`${embedderId} ${hash}`, vector)
  }

  async pruneVectors(tenantId: string, documentId: string, embedderId: string, keepHashes: readonly string[]) {
    const vectors = this.#rows.get(keyOf(tenantId, documentId))?.vectors
    const keep = new Set(keepHashes.map((hash) => `${embedderId} ${hash}`))
    for (const key of vectors?.keys() ?? []) if (!keep.has(key)) vectors?.delete(key)
  }

  #current(tenantId: string, documentId: string, contentHash: string): Row | undefined {
    const row = this.#rows.get(keyOf(tenantId, documentId))
    return row?.document.contentHash === contentHash ? row : undefined
  }
}

const keyOf = (tenantId: string, documentId: string) => JSON.stringify([tenantId, documentId])
