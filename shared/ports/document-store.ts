import type { Chunk, DocumentState, SourceDocument } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'

export type StoredDocument = SourceDocument & {
  readonly state: DocumentState
  /** What indexing took for its title, when its producer gave none. */
  readonly foundTitle?: string
  /** Why it failed; only with the state `failed`. */
  readonly code?: string
  readonly reason?: string
}

/** What a run of `index-document` may say about a document; `failed` says why. */
export type IndexingState =
  | { readonly state: 'indexing' }
  | { readonly state: 'indexed'; readonly chunks: number }
  | { readonly state: 'failed'; readonly code: string; readonly reason: string }

/**
 * The documents and what indexing made of them, per version (`contentHash`). Writes for a version that is no longer the
 * document's are dropped, so a run that was overtaken cannot disturb its successor. Everything here goes with its document.
 */
export interface DocumentStore {
  get(tenantId: string, documentId: string): Promise<StoredDocument | undefined>
  /** By id, from the one behind `after`; their `text` is left out. */
  list(
    tenantId: string,
    page: { readonly state?: DocumentState | undefined; readonly after?: string | undefined; readonly limit: number },
  ): Promise<StoredDocument[]>
  /** What the producer sent, where it came as bytes. */
  originalOf(tenantId: string, documentId: string, contentHash: string): Promise<Uint8Array | undefined>
  /** @returns false when the document is gone or has another version by now: nothing was changed */
  markState(tenantId: string, documentId: string, contentHash: string, state: IndexingState): Promise<boolean>
  saveParsed(tenantId: string, documentId: string, contentHash: string, parsed: ParsedDocument): Promise<void>
  parsedOf(tenantId: string, documentId: string, contentHash: string): Promise<ParsedDocument | undefined>
  /** Replaces the chunks of this version; chunks of other versions of the document are dropped. */
  saveChunks(tenantId: string, documentId: string, contentHash: string, chunks: readonly Chunk[]): Promise<void>
  /** In order of position; empty when this version has none. */
  chunksOf(tenantId: string, documentId: string, contentHash: string): Promise<Chunk[]>
  /**
   * Vectors by hash of the embedded text, as far as they are known: a changed document pays only for what changed.
   * Kept per document, so that deletion removes every trace.
   */
  vectorsOf(
    tenantId: string,
    documentId: string,
    embedderId: string,
    textHashes: readonly string[],
  ): Promise<Map<string, Float32Array>>
  saveVectors(tenantId: string, documentId: string, embedderId: string, vectors: ReadonlyMap<string, Float32Array>): Promise<void>
  /** Drops the document's vectors other than these. */
  pruneVectors(tenantId: string, documentId: string, embedderId: string, keepHashes: readonly string[]): Promise<void>
}
