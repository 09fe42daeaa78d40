import { createHash } from 'node:crypto'
import type { Chunk } from '#shared/domain/document.ts'
import type { DocumentStore } from '#shared/ports/document-store.ts'
import type { Embedder, EmbeddingFor } from '#shared/ports/embedder.ts'
import { embeddingText } from './chunk-document.ts'

export type EmbeddedChunk = { readonly chunk: Chunk; readonly vector: Float32Array }

/** Kept after each batch, so that an interrupted run pays for no text twice. */
const BATCH = 64

/**
 * The chunks of one version with their vectors; those not known yet are computed and kept.
 * @returns also how many were computed, and the hashes under which the vectors are kept
 */
export async function embeddedChunks(
  tenantId: string,
  documentId: string,
  contentHash: string,
  { documents, embedder }: { readonly documents: DocumentStore; readonly embedder: Embedder },
  signal: AbortSignal,
  owner?: EmbeddingFor,
): Promise<{ items: EmbeddedChunk[]; textHashes: string[]; computed: number }> {
  const chunks = await documents.chunksOf(tenantId, documentId, contentHash)
  const hashed = chunks.map((chunk) => ({ chunk, textHash: hashOf(embeddingText(chunk)) }))
  const texts = new Map(hashed.map(({ chunk, textHash }) => [textHash, embeddingText(chunk)]))
  const vectors = new Map(await documents.vectorsOf(tenantId, documentId, embedder.id, [...texts.keys()]))
  const missing = [...texts].filter(([textHash]) => !vectors.has(textHash))
  // Whoever waits for a provider's batch asks for everything at once, and waits once.
  const perCall = owner?.lane === 'offline' ? Math.max(1, missing.length) : BATCH
  for (let at = 0; at < missing.length; at += perCall) {
    const batch = missing.slice(at, at + perCall)
    const inputs = batch.map(([, text]) => text)
    const computed = await embedder.embed(inputs, 'document', signal, owner)
    const entries = new Map(batch.map(([textHash], i) => [textHash, computed[i]!]))
    await documents.saveVectors(tenantId, documentId, embedder.id, entries)
    for (const [textHash, vector] of entries) vectors.set(textHash, vector)
  }
  const items = hashed.map(({ chunk, textHash }) => ({ chunk, vector: vectors.get(textHash)! }))
  return { items, textHashes: [...texts.keys()], computed: missing.length }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
