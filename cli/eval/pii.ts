import { findPersonalData, shippedTagger } from '#workers/logic/find-personal-data.ts'
import { readTagged } from './pii-data.ts'
import { type JudgedText, piiMetrics } from './pii-metrics.ts'
import { quantile } from './quantile.ts'

/** How well personal data is found by what ships: patterns with checksums and the trained tagger. */
export function evalPii({ data }: { readonly data: string }, onProgress: (done: number, total: number) => void) {
  const rows = readTagged(data)
  if (rows.length === 0) throw new Error(`${data} holds no row`)
  shippedTagger()
  const tookMs: number[] = []
  const judged: JudgedText[] = rows.map(({ text, spans }, at) => {
    const startedAt = performance.now()
    const found = findPersonalData(text)
    tookMs.push(performance.now() - startedAt)
    if (at % 100 === 0) onProgress(at, rows.length)
    return { text, gold: spans, found }
  })
  onProgress(rows.length, rows.length)
  return {
    suite: 'pii',
    n: rows.length,
    metrics: piiMetrics(judged),
    latencyMs: { p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) },
    config: { counted: 'tokens, as the evaluator of the public data does; exact spans beside them', model: 'none' },
  }
}
