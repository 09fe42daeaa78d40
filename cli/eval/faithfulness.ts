import { splitSentences } from '#shared/text/sentences.ts'
import { checkClaim } from '#workers/logic/check-claim.ts'
import { supportIndex } from '#workers/logic/support-features.ts'
import { supportScore } from '#workers/logic/support-score.ts'
import { SUPPORT_THRESHOLD } from '#workers/logic/support-weights.ts'
import { type Judged, readJudged } from './faithfulness-data.ts'
import { quantile } from './quantile.ts'
import { atThreshold, rocArea } from './ranking-of-two.ts'

type Options = { readonly data: string; readonly docs: readonly string[] }

/**
 * How well the claim ledger tells supported text from unsupported, without any model: the support score against people's
 * judgements, and how often the ledger's hard checks (numbers, quotations, contradictions) fire on what people found faithful.
 */
export function evalFaithfulness({ data, docs }: Options, onProgress: (done: number, total: number) => void) {
  const rows = readJudged(data, docs)
  if (rows.length === 0) throw new Error(`${data} holds no row`)
  const tookMs: number[] = []
  const judged = rows.map((row, at) => {
    const startedAt = performance.now()
    const score = supportScore(row.text, supportIndex(row.passages, row.asked))
    tookMs.push(performance.now() - startedAt)
    if (at % 50 === 0) onProgress(at, rows.length)
    return { faithful: row.faithful, score, blocked: isBlocked(row) }
  })
  onProgress(rows.length, rows.length)
  const scores = judged.map(({ score }) => score)
  const labels = judged.map(({ faithful }) => faithful)
  const blockedOf = (faithful: boolean) => {
    const own = judged.filter((row) => row.faithful === faithful)
    return own.length === 0 ? null : own.filter(({ blocked }) => blocked).length / own.length
  }
  const metrics = {
    ...rocArea(scores, labels),
    ...atThreshold(scores, labels, SUPPORT_THRESHOLD),
    hardChecks: { onFaithful: blockedOf(true), onUnfaithful: blockedOf(false) },
    faithful: labels.filter(Boolean).length,
  }
  return {
    suite: 'faithfulness',
    n: rows.length,
    metrics,
    latencyMs: { p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) },
    config: { threshold: SUPPORT_THRESHOLD, positive: 'faithful', model: 'none' },
  }
}

/** Whether a hard check refuses a sentence of it; missing wording alone is a score and refuses nothing here. */
function isBlocked({ text, passages, asked }: Judged): boolean {
  const citations = passages.map(({ n }) => n)
  return splitSentences(text).some((sentence) => {
    const { supported, reason } = checkClaim({ text: sentence.text, citations }, passages, asked)
    return !supported && !reason.startsWith('only ')
  })
}
