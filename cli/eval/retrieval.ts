import type { Audience } from '#shared/domain/document.ts'
import type { Embedder } from '#shared/ports/embedder.ts'
import type { DenseIndex, SparseIndex } from '#shared/ports/search-index.ts'
import type { ScoredCandidate, Searcher } from '#shared/ports/searcher.ts'
import { embeddingText } from '#workers/logic/chunk-document.ts'
import { withHistory } from '#workers/logic/conversation-query.ts'
import { areaUnderCurve, meanScores, percentile, type RankingScores, scoreRanking } from './ranking-metrics.ts'
import { chunksOfEvalDocument, EvalDocument, EvalQuery, readLines } from './retrieval-data.ts'

export type RetrievalEvalOptions = {
  readonly docs: readonly string[]
  readonly data: string
  /** Leave sections marked `sym` out for the kinds `symptom` and `error`, which quote them. */
  readonly maskSym: boolean
  /** Fields of documents that must not be indexed. */
  readonly without: readonly string[]
  /** Below this evidence the product hands over to a person. */
  readonly minEvidence: number
}
/** The search under test, on empty indexes of its own. */
export type RetrievalUnderTest = {
  readonly embedder: Embedder
  readonly dense: DenseIndex
  readonly sparse: SparseIndex
  readonly searcher: Searcher
}
export type Progress = (done: number, total: number, what: string) => void

const LEGS = ['sparse', 'dense', 'fused', 'reranked'] as const
type Leg = (typeof LEGS)[number]
type Answered = {
  readonly query: EvalQuery
  readonly scores: Record<Leg, RankingScores> | undefined
  readonly evidence: number
  readonly ms: number
}
export const MASKED_KINDS: ReadonlySet<string> = new Set(['symptom', 'error'])
const AUDIENCES: readonly Audience[] = ['public']
export const PER_LEG = 100

/** Retrieval quality by document, for each leg and for what the product makes of both, by kind of query and overall. */
export async function evalRetrieval(
  options: RetrievalEvalOptions,
  search: RetrievalUnderTest,
  onProgress: Progress,
  signal: AbortSignal,
) {
  const queries = readLines(options.data, EvalQuery)
  const documents = options.docs.flatMap((path) => readLines(path, EvalDocument))
  const masked = (query: EvalQuery) => options.maskSym && MASKED_KINDS.has(query.kind)
  let chunks = 0
  if (options.maskSym || queries.some((query) => !masked(query)))
    chunks = await loadDocuments('eval-full', documents, options, false, search, onProgress, signal)
  if (queries.some(masked)) chunks = await loadDocuments('eval-masked', documents, options, true, search, onProgress, signal)
  const answered: Answered[] = []
  for (const query of queries) {
    answered.push(await answer(query, masked(query) ? 'eval-masked' : 'eval-full', search.searcher, signal))
    onProgress(answered.length, queries.length, 'queries')
  }
  const whole = options.maskSym ? await unmasked(answered, search, signal) : answered
  return {
    suite: 'retrieval',
    n: queries.length,
    metrics: {
      ...rankingMetrics(answered),
      // On the knowledge as the product has it: masking is there so that rankings are not given away, and would take the answer out.
      abstention: abstentionMetrics(whole, options.minEvidence),
      ...(options.maskSym ? { abstentionMasked: abstentionMetrics(answered, options.minEvidence) } : {}),
    },
    latencyMs: {
      p50: percentile(
        answered.map(({ ms }) => ms),
        0.5,
      ),
      p99: percentile(
        answered.map(({ ms }) => ms),
        0.99,
      ),
    },
    config: {
      embedder: search.embedder.id,
      documents: documents.length,
      chunks,
      maskSym: options.maskSym,
      without: options.without,
      minEvidence: options.minEvidence,
    },
  }
}

/** The same questions, those that masking is for asked of the whole documents. */
async function unmasked(
  answered: readonly Answered[],
  { searcher }: RetrievalUnderTest,
  signal: AbortSignal,
): Promise<Answered[]> {
  const all: Answered[] = []
  for (const one of answered) {
    all.push(MASKED_KINDS.has(one.query.kind) ? await answer(one.query, 'eval-full', searcher, signal) : one)
  }
  return all
}

export async function loadDocuments(
  tenantId: string,
  documents: readonly EvalDocument[],
  options: Pick<RetrievalEvalOptions, 'without'>,
  maskSymptoms: boolean,
  { embedder, dense, sparse }: RetrievalUnderTest,
  onProgress: Progress,
  signal: AbortSignal,
): Promise<number> {
  const without = new Set(options.without)
  let count = 0
  for (const [done, document] of documents.entries()) {
    const chunks = chunksOfEvalDocument(document, without, maskSymptoms)
    const vectors = await embedder.embed(chunks.map(embeddingText), 'document', signal)
    const items = chunks.map((chunk, i) => ({ chunk, vector: vectors[i]! }))
    await dense.replaceDocument(tenantId, document.id, items, signal)
    await sparse.replaceDocument(tenantId, document.id, chunks, signal)
    count += chunks.length
    onProgress(done + 1, documents.length, `documents (${tenantId})`)
  }
  return count
}

/** As a search should see it: the last question of a conversation with what was said before. */
export const queryOf = ({ text, history }: EvalQuery): string =>
  withHistory(
    text,
    history.map(({ r, t }) => ({ by: r === 'u' ? 'customer' : 'agent', text: t })),
  )

async function answer(query: EvalQuery, tenantId: string, searcher: Searcher, signal: AbortSignal): Promise<Answered> {
  const began = performance.now()
  const filter = { tenantId, audiences: AUDIENCES }
  const result = await searcher.search({ query: queryOf(query), filter, perLeg: PER_LEG, explain: true }, signal)
  const ms = performance.now() - began
  const candidates = (result.candidates ?? []).filter(({ chunk }) => chunk.documentId !== query.from)
  const gold = new Set(query.gold)
  const score = (ranked: readonly ScoredCandidate[]) =>
    scoreRanking([...new Set(ranked.map(({ chunk }) => chunk.documentId))], gold)
  const scores = gold.size === 0 ? undefined : scoresByLeg(candidates, score)
  return { query, scores, evidence: result.passages.length === 0 ? 0 : result.evidence, ms }
}

function scoresByLeg(
  candidates: readonly ScoredCandidate[],
  score: (ranked: readonly ScoredCandidate[]) => RankingScores,
): Record<Leg, RankingScores> {
  const by = (rank: (candidate: ScoredCandidate) => number | undefined) =>
    candidates.filter((candidate) => rank(candidate) !== undefined).sort((a, b) => rank(a)! - rank(b)!)
  return {
    sparse: score(by((candidate) => candidate.sparse?.rank)),
    dense: score(by((candidate) => candidate.dense?.rank)),
    fused: score(by((candidate) => -candidate.fused)),
    reranked: score(candidates),
  }
}

function rankingMetrics(answered: readonly Answered[]): Record<Leg, Record<string, RankingScores>> {
  const scored = answered.flatMap(({ query, scores }) => (scores ? [{ kind: query.kind, scores }] : []))
  const kinds = [...new Set(scored.map(({ kind }) => kind))]
  const ofLeg = (leg: Leg) => {
    const of = (kind?: string) =>
      meanScores(scored.filter((one) => kind === undefined || one.kind === kind).map(({ scores }) => scores[leg]))
    return Object.fromEntries(scored.length === 0 ? [] : [...kinds.map((kind) => [kind, of(kind)]), ['overall', of()]])
  }
  return Object.fromEntries(LEGS.map((leg) => [leg, ofLeg(leg)])) as Record<Leg, Record<string, RankingScores>>
}

/** How well evidence tells questions that can be answered from those that cannot. */
function abstentionMetrics(answered: readonly Answered[], minEvidence: number) {
  const [can, cannot] = [answered.filter(({ scores }) => scores), answered.filter(({ scores }) => !scores)]
  const rate = (some: readonly Answered[]) => some.filter(({ evidence }) => evidence < minEvidence).length / some.length
  const evidence = (some: readonly Answered[]) => some.map((one) => one.evidence)
  if (cannot.length === 0) return { answerable: can.length, unanswerable: 0, wronglyAbstained: rate(can) }
  const strict = percentile(evidence(can), 0.05, 6)
  const ofKind = (kind: string) => can.filter(({ query }) => query.kind === kind)
  const kinds = [...new Set(can.map(({ query }) => query.kind))]
  // Of queries without an answer those that tell symptoms are longer than the title of the document they were taken from.
  const telling = cannot.filter(({ query }) => query.title !== undefined && query.title !== query.text)
  return {
    answerable: can.length,
    unanswerable: cannot.length,
    rate: rate(cannot),
    wronglyAbstained: can.length === 0 ? 0 : rate(can),
    auc: areaUnderCurve(evidence(can), evidence(cannot)),
    aucByKind: Object.fromEntries(kinds.map((kind) => [kind, areaUnderCurve(evidence(ofKind(kind)), evidence(cannot))])),
    ...(telling.length > 0 && kinds.includes('symptom')
      ? { aucSymptomOnly: areaUnderCurve(evidence(ofKind('symptom')), evidence(telling)) }
      : {}),
    /** The threshold that loses one answerable query in twenty, and what it catches. */
    at5PercentLoss: { minEvidence: strict, rate: cannot.filter((one) => one.evidence < strict).length / cannot.length },
    /** For whoever sets a threshold: what each one loses and catches. */
    curve: [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((threshold) => ({
      minEvidence: threshold,
      loses: share(can, threshold),
      catches: share(cannot, threshold),
    })),
  }
}

const share = (some: readonly Answered[], threshold: number) =>
  Number((some.filter(({ evidence }) => evidence < threshold).length / Math.max(1, some.length)).toFixed(4))
