import { splitSentences } from '#shared/text/sentences.ts'
import { checkClaim } from '#workers/logic/check-claim.ts'
import { supportIndex } from '#workers/logic/support-index.ts'
import { supportScore } from '#workers/logic/support-score.ts'
import { SUPPORT_THRESHOLD } from '#workers/logic/support-weights.ts'
import { type Judged, readJudged } from './faithfulness-data.ts'
import { modelFigures, type Reader, readByModel } from './faithfulness-model.ts'
import { quantile } from './quantile.ts'
import { atThreshold, rocArea } from './ranking-of-two.ts'

type Options = {
  readonly data: string
  readonly docs: readonly string[]
  /** At most this many rows, spread evenly over the file. */
  readonly limit?: number
  /** Absent: nobody is asked. */
  readonly reader?: Reader
}
type OnProgress = (done: number, total: number, what?: string) => void

/**
 * How well the claim ledger tells supported text from unsupported: the support score against people's judgements, and how often
 * the ledger's hard checks (numbers, quotations, contradictions) fire on what people found faithful. That much needs no model;
 * with one, its verdicts on the same rows stand beside.
 */
export async function evalFaithfulness({ data, docs, limit, reader }: Options, onProgress: OnProgress, signal?: AbortSignal) {
  const rows = spread(readJudged(data, docs), limit)
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
  const reading = (done: number, total: number) => onProgress(done, total, 'texts read by the model')
  const model = reader && modelFigures(rows, scores, await readByModel(rows, reader, reading, signal ?? neverAborted()))
  const prompt = reader && { id: reader.prompt.id, version: reader.prompt.version }
  return {
    suite: 'faithfulness',
    n: rows.length,
    metrics: { ...metrics, ...(model && { model }) },
    latencyMs: { p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) },
    config: {
      threshold: SUPPORT_THRESHOLD,
      positive: 'faithful',
      model: model?.models.join(', ') ?? 'none',
      ...(prompt && { prompt }),
    },
  }
}

const neverAborted = () => new AbortController().signal

/** Files are sorted by source; the first rows would measure the first source. */
function spread<T>(rows: readonly T[], limit = rows.length): readonly T[] {
  if (limit >= rows.length) return rows
  return Array.from({ length: limit }, (_, nth) => rows[Math.floor((nth * rows.length) / limit)]!)
}

/**
 * Whether a hard check refuses a sentence of it; missing wording alone is a score and refuses nothing here. Without evidence there is
 * nothing to check against: that a claim cites nothing is no finding about its numbers.
 */
function isBlocked({ text, passages, asked }: Judged): boolean {
  if (passages.length === 0) return false
  const citations = passages.map(({ n }) => n)
  return splitSentences(text).some((sentence) => {
    const { supported, reason } = checkClaim({ text: sentence.text, citations }, passages, asked)
    return !supported && !reason.startsWith('only ')
  })
}
