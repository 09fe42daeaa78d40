import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { LexicalReranker } from '#shared/adapters/models/reranker.lexical.ts'
import { SqliteDenseIndex } from '#shared/adapters/search/dense-index.sqlite.ts'
import { HybridSearcher } from '#shared/adapters/search/searcher.hybrid.ts'
import { SqliteSparseIndex } from '#shared/adapters/search/sparse-index.sqlite.ts'
import { embeddingText } from '#workers/logic/chunk-document.ts'
import { makeDocument } from './knowledge-corpus.ts'

type Seen = { queries: number; mixed: number; missing: number; foreign: number; queriesPerSecond: number }

/**
 * Changes documents of one tenant while another connection asks for them by a word that only that document holds, and counts answers
 * with two versions of a document, answers without the document, and passages of the other tenant.
 */
export async function drillConsistency(documents: number, queriesPerSecond: number, random: () => number): Promise<Seen> {
  const folder = mkdtempSync(join(tmpdir(), 'answerline-drill-'))
  const embedder = new HashEmbedder()
  const open = () => ({
    dense: new SqliteDenseIndex({ folder: join(folder, 'dense'), embedder }),
    sparse: new SqliteSparseIndex({ folder: join(folder, 'sparse') }),
  })
  const [writer, reader] = [open(), open()]
  const searcher = new HybridSearcher({ embedder, ...reader, reranker: new LexicalReranker() })
  const signal = new AbortController().signal
  const put = async (tenantId: string, at: number, version: string) => {
    const chunks = makeDocument(`${tenantId}-${at}`, version, random).map((chunk) => ({
      ...chunk,
      text: `only${at}x ${chunk.text}`,
    }))
    const vectors = await embedder.embed(chunks.map(embeddingText), 'document', signal)
    const items = chunks.map((chunk, i) => ({ chunk, vector: vectors[i]! }))
    await writer.dense.replaceDocument(tenantId, chunks[0]!.documentId, items, signal)
    await writer.sparse.replaceDocument(tenantId, chunks[0]!.documentId, chunks, signal)
    await delay(0)
  }
  try {
    for (const tenantId of ['acme', 'globex']) for (let at = 0; at < documents; at++) await put(tenantId, at, 'v1')
    let writing = true
    const writes = (async () => {
      for (let at = 0; at < documents; at++) await put('acme', at, 'v2')
      writing = false
    })()
    const seen: Seen = { queries: 0, mixed: 0, missing: 0, foreign: 0, queriesPerSecond: 0 }
    const begun = performance.now()
    while (writing) {
      const at = Math.floor(random() * documents)
      const filter = { tenantId: 'acme', audiences: ['public'] as const }
      const { candidates = [] } = await searcher.search({ query: `only${at}x`, filter, explain: true }, signal)
      count(
        seen,
        candidates.map(({ chunk }) => chunk),
        `acme-${at}`,
      )
      const aheadMs = (1_000 * seen.queries) / queriesPerSecond - (performance.now() - begun)
      await delay(Math.max(0, aheadMs))
    }
    await writes
    return { ...seen, queriesPerSecond: Math.round((1_000 * seen.queries) / (performance.now() - begun)) }
  } finally {
    for (const { dense, sparse } of [writer, reader]) {
      dense.close()
      sparse.close()
    }
    rmSync(folder, { recursive: true, force: true })
  }
}

function count(seen: Seen, chunks: readonly { documentId: string; version: string }[], wanted: string): void {
  seen.queries++
  const versions = new Map<string, Set<string>>()
  for (const { documentId, version } of chunks) {
    versions.set(documentId, (versions.get(documentId) ?? new Set()).add(version))
    if (!documentId.startsWith('acme-')) seen.foreign++
  }
  if ([...versions.values()].some((some) => some.size > 1)) seen.mixed++
  if (!versions.has(wanted)) seen.missing++
}
