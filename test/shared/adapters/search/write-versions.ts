import { join } from 'node:path'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { SqliteDenseIndex } from '#shared/adapters/search/dense-index.sqlite.ts'
import { SqliteSparseIndex } from '#shared/adapters/search/sparse-index.sqlite.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'

/** A process of its own that replaces one document again and again: `write-versions.ts FOLDER DOCUMENT TIMES`. */
const [folder, documentId, times] = process.argv.slice(2) as [string, string, string]
const signal = AbortSignal.timeout(60_000)
const embedder = new HashEmbedder(64)
const dense = new SqliteDenseIndex({ folder: join(folder, 'dense'), embedder })
const sparse = new SqliteSparseIndex({ folder: join(folder, 'sparse') })
for (let n = 1; n <= Number(times); n++) {
  const chunks = Array.from({ length: 3 + (n % 3) }, (_, position) =>
    sampleChunk({ documentId, version: `v${n}`, position, text: `router manual part ${position}` }),
  )
  const vectors = await embedder.embed(
    chunks.map(({ text }) => text),
    'document',
    signal,
  )
  await dense.replaceDocument(
    'acme',
    documentId,
    chunks.map((chunk, i) => ({ chunk, vector: vectors[i]! })),
    signal,
  )
  await sparse.replaceDocument('acme', documentId, chunks, signal)
}
dense.close()
sparse.close()
