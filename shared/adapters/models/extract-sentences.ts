import type { DraftSentence } from '#shared/domain/draft.ts'
import type { Passage } from '#shared/domain/passage.ts'
import { type FactKind, factsIn } from '#shared/text/facts-in-text.ts'
import { readableRow, sentenceSpans, splitSentences, type TextUnit } from '#shared/text/sentences.ts'
import { contentTerms, isIdentifier, tokenize } from '#shared/text/tokenize.ts'
import { rarityOf } from '#shared/text/word-rarity.ts'

/** Sentences that answer a question, word for word from the passages, and how well they cover it. */
export type Extract = {
  readonly sentences: readonly DraftSentence[]
  /** 0..1: how much of what is asked the sentences speak of; see `strengthOf`. */
  readonly strength: number
}

type Candidate = {
  readonly passage: Passage
  /** Place of the passage among those given, from 0. */
  readonly rank: number
  readonly place: number
  readonly unit: TextUnit
  readonly terms: ReadonlySet<string>
  readonly context: ReadonlySet<string>
  readonly score: number
}

const MAX_SENTENCES = 4
const MAX_STEPS = 10
/** A sentence below this share of the best score is about something else. */
const WORTH_ADDING = 0.65
/** Above it, it is added when it is as good as this, or covers this much of the question that the others leave open. */
const AS_GOOD = 0.92
const MIN_GAIN = 0.1
const TOO_ALIKE = 0.6
const CONTEXT_CREDIT = 0.6
/** What is told around a question ("I have a cat") counts for less than the question. */
const TOLD_CREDIT = 0.5
/** What is told and stands in no passage does not count for more than this much of the question, however long the letter is. */
const MOST_TOLD = 0.5

/**
 * Picks one to four sentences, or the steps of a list when it is asked how something is done. Sentences are scored by the words
 * they share with the question, rare words first (after BM25: Robertson and Zaragoza, 2009), in the sentence or in its headings;
 * by the passage's rank, by ids in common and by holding the kind of fact that is asked for. Pure and deterministic.
 */
export function extractSentences(question: string, passages: readonly Passage[]): Extract {
  const asked = askedTerms(question)
  const read = passages.flatMap(readPassage)
  if (asked.size === 0 || read.length === 0) return { sentences: [], strength: 0 }
  const weights = weightsOf(asked, read)
  const wanted = wantedKinds(question)
  const ids = new Set(tokenize(question).filter(isIdentifier))
  const scored = read
    .map((one) => ({ ...one, score: scoreOf(one, weights, wanted, ids, passages.length) }))
    .sort((a, b) => b.score - a.score)
  const best = scored[0]!
  if (best.score === 0) return { sentences: [], strength: 0 }

  const steps = HOW.test(question) ? stepsAround(best, scored) : []
  const chosen = steps.length > 0 ? steps : diverse(scored, weights)
  return { sentences: chosen.map(quoted), strength: strengthOf(asked, nearBest(scored)) }
}

/** The content terms of the question with their weight: rarity, and less for what is only told. */
function askedTerms(question: string): Map<string, number> {
  const asked = new Map<string, number>()
  const text = question.replace(PLACEHOLDER, ' ')
  const sentences = [...sentenceSpans(text, 0, text.length)].map(({ start, end }) => text.slice(start, end))
  const asks = sentences.map((sentence) => /\?["')\]]*$/.test(sentence) || ASKING.test(sentence))
  const someAsk = asks.includes(true)
  sentences.forEach((sentence, at) => {
    const credit = someAsk && !asks[at] ? TOLD_CREDIT : 1
    for (const term of contentTerms(sentence)) asked.set(term, Math.max(asked.get(term) ?? 0, credit * rarityOf(term)))
  })
  return asked
}

const PLACEHOLDER = /\[[A-Z][A-Z_]{0,30}_\d{1,6}\]/g
const ASKING = /^\W{0,4}(?:how|what|when|where|which|who|why|can|could|do|does|is|are|may|will|would|should)\b/i
const HOW = /\bhow (?:do|can|to|should|would|must|may|does)\b|\bsteps?\b|\bwhere (?:do|can) i\b/i

function readPassage(passage: Passage, rank: number): Omit<Candidate, 'score'>[] {
  const title = contentTerms([passage.title, ...passage.section].join('\n'))
  let lead: TextUnit | undefined
  return splitSentences(passage.text).flatMap((unit, place) => {
    // A paragraph that opens in bold has its heading there.
    if (isBoldLine(unit.text)) {
      lead = unit
      return []
    }
    const headings = [...unit.headings, lead?.block === unit.block ? lead.text : ''].join('\n')
    const headers = (unit.cells ?? []).map(({ header }) => header).join('\n')
    const terms = new Set(contentTerms(unit.text))
    // A code block or a lone word answers nothing without what stands around it.
    if (unit.kind === 'code' || terms.size < 2) return []
    return [{ passage, rank, place, unit, terms, context: new Set([...title, ...contentTerms(`${headings}\n${headers}`)]) }]
  })
}

const isBoldLine = (text: string): boolean =>
  text.length < 120 && text.startsWith('**') && text.endsWith('**') && !text.slice(2, -2).includes('**')

/** Rarity times inverse document frequency among the sentences at hand. */
function weightsOf(asked: ReadonlyMap<string, number>, read: readonly Omit<Candidate, 'score'>[]): Map<string, number> {
  return new Map(
    [...asked].map(([term, weight]) => {
      const holding = read.reduce((count, one) => count + (one.terms.has(term) ? 1 : 0), 0)
      return [term, weight * Math.log(1 + (read.length - holding + 0.5) / (holding + 0.5))] as const
    }),
  )
}

function scoreOf(
  { terms, context, rank, unit }: Omit<Candidate, 'score'>,
  weights: ReadonlyMap<string, number>,
  wanted: ReadonlySet<FactKind>,
  ids: ReadonlySet<string>,
  passages: number,
): number {
  let score = 0
  for (const [term, weight] of weights) score += terms.has(term) ? weight : context.has(term) ? weight * CONTEXT_CREDIT : 0
  if (score === 0) return 0
  const length = 0.8 + 0.2 * Math.min(2, terms.size / 14)
  const first = 1 + 0.25 * (1 - rank / Math.max(1, passages))
  const fact = wanted.size > 0 && factsIn(unit.text).some(({ kind }) => wanted.has(kind)) ? 1.25 : 1
  const id = ids.size > 0 && [...ids].some((one) => terms.has(one)) ? 1.3 : 1
  return (score / length) * first * fact * id
}

/** Which kinds of fact would answer: how much -> a price, when -> a date or a duration, how many -> a number. */
function wantedKinds(question: string): Set<FactKind> {
  const kinds = new Set<FactKind>()
  for (const [pattern, wanted] of WANTED) if (pattern.test(question)) for (const kind of wanted) kinds.add(kind)
  return kinds
}

const WANTED: readonly (readonly [RegExp, readonly FactKind[]])[] = [
  [/\b(?:how much|costs?|prices?|fees?|charges?)\b/i, ['price', 'percent']],
  [
    /\b(?:when|how long|until|deadline|how soon|how fast|how many (?:days|hours|weeks|months|minutes|years))\b/i,
    ['date', 'duration', 'time'],
  ],
  [/\b(?:how many|limit|maximum|minimum|range|how far|how big|size)\b/i, ['number', 'duration', 'percent']],
  [/\b(?:e-?mail|address|write to|contact|where)\b/i, ['email', 'url', 'phone']],
  [/\b(?:version|firmware)\b/i, ['version']],
]

/** The best sentence, then those that are nearly as good or speak of something asked that is not covered yet. */
function diverse(scored: readonly Candidate[], weights: ReadonlyMap<string, number>): Candidate[] {
  const best = scored[0]!.score
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0)
  const missing = new Map(weights)
  const chosen: Candidate[] = []
  for (const one of scored) {
    if (chosen.length === MAX_SENTENCES || one.score < best * WORTH_ADDING) break
    // A second row of a table is wanted for what it is about (its first cell), not for a word it has in passing.
    const sibling =
      one.unit.kind === 'row' && chosen.some((other) => other.passage === one.passage && other.unit.block === one.unit.block)
    const about = sibling ? new Set(contentTerms(one.unit.cells?.[0]?.value ?? '')) : one.terms
    const held = [...missing].filter(([term]) => about.has(term))
    const gain = held.reduce((sum, [, weight]) => sum + weight, 0) / total
    if (chosen.length > 0 && gain < MIN_GAIN && (sibling || one.score < best * AS_GOOD)) continue
    if (chosen.some((other) => alike(one.terms, other.terms) > TOO_ALIKE)) continue
    chosen.push(one)
    for (const [term] of held) missing.delete(term)
  }
  return inOrder(chosen)
}

/** What the passages have to offer, chosen or not: strength is about them, not about how few sentences were enough. */
const nearBest = (scored: readonly Candidate[]): Candidate[] =>
  scored.slice(0, MAX_SENTENCES).filter(({ score }) => score >= scored[0]!.score * WORTH_ADDING)

/** Jaccard similarity. */
function alike(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = a.intersection(b).size
  return shared / (a.size + b.size - shared)
}

/** The numbered list that the best sentence belongs to or introduces, from its first step. */
function stepsAround(best: Candidate, scored: readonly Candidate[]): Candidate[] {
  const near = scored.filter((one) => one.passage === best.passage && one.unit.ordinal !== undefined)
  const inList = best.unit.ordinal !== undefined
  const block = inList
    ? best.unit.block
    : near.find((one) => one.unit.block > best.unit.block && sameHeading(one.unit, best.unit))?.unit.block
  const list = inOrder(near.filter((one) => one.unit.block === block))
  if (list.length < 2) return []
  return inList ? list.slice(0, MAX_STEPS) : [best, ...list.slice(0, MAX_STEPS)]
}

const sameHeading = (a: TextUnit, b: TextUnit): boolean => a.headings.join('\n') === b.headings.join('\n')

/** Best passage first, and within a passage as it stands there. */
const inOrder = (chosen: readonly Candidate[]): Candidate[] => chosen.toSorted((a, b) => a.rank - b.rank || a.place - b.place)

function quoted({ passage, unit }: Candidate): DraftSentence {
  const text = unit.cells === undefined ? unit.text : readableRow(unit.cells)
  return { text: unit.ordinal === undefined ? text : `${unit.ordinal}. ${text}`, citations: [passage.n] }
}

/**
 * What the best sentences hold of the question, over the square root of all that was asked (as in a cosine): the share alone
 * would trust two-word messages and distrust long stories.
 */
function strengthOf(asked: ReadonlyMap<string, number>, best: readonly Candidate[]): number {
  let total = 0
  let held = 0
  let rarest = 0
  let question = 0
  let beside = 0
  for (const [term, weight] of asked) {
    const isTold = weight < rarityOf(term)
    if (!isTold) question += weight
    const credit = best.reduce((most, one) => Math.max(most, one.terms.has(term) ? 1 : one.context.has(term) ? 0.8 : 0), 0)
    // Order numbers and the like are the customer's own: no article could hold them.
    if (credit === 0 && OWN_NUMBER.test(term)) continue
    if (credit === 0 && isTold) {
      beside += weight
      continue
    }
    total += weight
    held += weight * credit
    if (credit > 0) rarest = Math.max(rarest, rarityOf(term))
  }
  total += Math.min(beside, MOST_TOLD * question)
  // Common words alone ("same problem as last time") say nothing about which problem.
  return total === 0 || rarest < 1 ? 0 : Math.min(1, held / Math.sqrt(total) / FULL_STRENGTH)
}

const OWN_NUMBER = /\d{5}/
/** Where `held / √total` is about as high as it gets on real questions. */
const FULL_STRENGTH = 3
