import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { LexicalReranker } from '#shared/adapters/models/reranker.lexical.ts'
import { SqliteDenseIndex } from '#shared/adapters/search/dense-index.sqlite.ts'
import { HybridSearcher } from '#shared/adapters/search/searcher.hybrid.ts'
import { SqliteSparseIndex } from '#shared/adapters/search/sparse-index.sqlite.ts'
import { rounded } from './figures.ts'
import { sequence } from './knowledge-corpus.ts'
import { startSide } from './side.ts'

type Seen = { queries: number; mixed: number; missing: number; foreign: number }

/**
 * A process changes documents of one tenant, as a worker does, while this one asks for them by a word that only that document holds, as
 * an API does, and counts answers with two versions of a document, answers without the document, and passages of the other tenant.
 * @param documents how many are changed
 * @param queriesPerSecond the pace; queries that come too late are not skipped, so a lower rate than this one is told
 */
export async function drillConsistency(documents: number, queriesPerSecond: number) {
  const folder = mkdtempSync(join(tmpdir(), 'answerline-drill-'))
  const writer = startSide('retrieval-writer.ts')
  const embedder = new HashEmbedder()
  const dense = new SqliteDenseIndex({ folder: join(folder, 'dense'), embedder })
  const sparse = new SqliteSparseIndex({ folder: join(folder, 'sparse') })
  const searcher = new HybridSearcher({ embedder, dense, sparse, reranker: new LexicalReranker() })
  try {
    await writer.call('open', folder)
    for (const tenantId of ['acme', 'globex']) await writer.call('write', { tenantId, documents, version: 'v1' })
    const seen: Seen = { queries: 0, mixed: 0, missing: 0, foreign: 0 }
    const random = sequence(3)
    // The first one reads the index, which is not what is asked about here.
    await ask(searcher, Math.floor(random() * documents), { ...seen })
    let writing = true
    const cpuBefore = process.cpuUsage()
    const begun = performance.now()
    const writes = writer.call('write', { tenantId: 'acme', documents, version: 'v2' }).finally(() => {
      writing = false
    })
    while (writing) {
      await ask(searcher, Math.floor(random() * documents), seen)
      const aheadMs = (1_000 * seen.queries) / queriesPerSecond - (performance.now() - begun)
      // Behind the pace only the messages that wait are looked at; a timer would cost a millisecond.
      await (aheadMs >= 1 ? delay(aheadMs) : new Promise(setImmediate))
    }
    await writes
    const seconds = (performance.now() - begun) / 1_000
    const { user, system } = process.cpuUsage(cpuBefore)
    return {
      ...seen,
      changed: documents,
      queriesPerSecond: Math.round(seen.queries / seconds),
      changesPerSecond: Math.round(documents / seconds),
      cpuMsPerQuery: rounded((user + system) / 1_000 / seen.queries),
    }
  } finally {
    await writer.stop()
    dense.close()
    sparse.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function ask(searcher: HybridSearcher, at: number, seen: Seen): Promise<void> {
  const filter = { tenantId: 'acme', audiences: ['public'] as const }
  const { candidates = [] } = await searcher.search({ query: `only${at}x`, filter, explain: true }, new AbortController().signal)
  seen.queries++
  const versions = new Map<string, Set<string>>()
  for (const { chunk } of candidates) {
    versions.set(chunk.documentId, (versions.get(chunk.documentId) ?? new Set()).add(chunk.version))
    if (!chunk.documentId.startsWith('acme-')) seen.foreign++
  }
  if ([...versions.values()].some((some) => some.size > 1)) seen.mixed++
  if (!versions.has(`acme-${at}`)) seen.missing++
}
