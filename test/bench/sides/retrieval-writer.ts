import { join } from 'node:path'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { SqliteDenseIndex } from '#shared/adapters/search/dense-index.sqlite.ts'
import { SqliteSparseIndex } from '#shared/adapters/search/sparse-index.sqlite.ts'
import { embeddingText } from '#workers/logic/chunk-document.ts'
import { makeDocument, sequence } from '../knowledge-corpus.ts'
import { answerCalls } from '../side.ts'

/** Indexes documents as a worker does, beside whoever searches: both processes know the same files and nothing else of each other. */
const { signal } = new AbortController()
const embedder = new HashEmbedder()
const random = sequence(2)
let dense: SqliteDenseIndex
let sparse: SqliteSparseIndex

async function open(folder: string): Promise<void> {
  dense = new SqliteDenseIndex({ folder: join(folder, 'dense'), embedder })
  sparse = new SqliteSparseIndex({ folder: join(folder, 'sparse') })
}

/** Each document holds a word that no other has: `only<number>x`. */
async function write({ tenantId, documents, version }: { tenantId: string; documents: number; version: string }): Promise<void> {
  for (let at = 0; at < documents; at++) {
    const made = makeDocument(`${tenantId}-${at}`, version, random)
    const chunks = made.map((chunk) => ({ ...chunk, text: `only${at}x ${chunk.text}` }))
    const vectors = await embedder.embed(chunks.map(embeddingText), 'document', signal)
    const items = chunks.map((chunk, i) => ({ chunk, vector: vectors[i]! }))
    await dense.replaceDocument(tenantId, chunks[0]!.documentId, items, signal)
    await sparse.replaceDocument(tenantId, chunks[0]!.documentId, chunks, signal)
  }
}

answerCalls({ open, write }, async () => {
  dense?.close()
  sparse?.close()
})
