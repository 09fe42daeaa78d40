import type { DraftSentence } from '#shared/domain/draft.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { Claim } from '#shared/domain/verdict.ts'
import { type Fact, factsIn, normalWords } from '#shared/text/facts-in-text.ts'
import { splitSentences } from '#shared/text/sentences.ts'
import { findContradiction } from './find-contradiction.ts'
import { findOtherName } from './find-other-name.ts'
import { isCourtesy } from './is-courtesy.ts'
import { comparable, holdsFact, otherName, standsAmong } from './match-facts.ts'
import {
  bestSpan,
  type Evidence,
  type EvidenceSpan,
  type EvidenceUnit,
  readEvidence,
  weighTerms,
  wordingsOf,
} from './read-evidence.ts'

/** Below this share of covered words a sentence is not carried by its source; see docs/decisions/0011-claim-ledger.md. */
export const MIN_SUPPORT = 0.3
/** Fewer words than this say too little to be judged apart from the sentence beside them. */
const MIN_TERMS = 3

/** A sentence that says the sources are silent may repeat what the customer asked about: it asserts nothing of it. */
const ADMITS_GAP =
  /\b(?:no|not|n't)\b[^.]{0,40}\b(?:information|mention|mentions|say|says|state|states|specify|provide|describe|reason|reasons)\b/i

/** `[1]`, `[2, 3]` that models write into the sentence although they give the numbers apart. */
export const withoutMarkers = (text: string): string => text.replace(/ ?\[\d{1,3}(?:, ?\d{1,3}){0,9}\]/g, '').trim()

/**
 * Checks one sentence of a draft against the passages it cites: citations resolve, every number, date, price, address, code and
 * quoted word stands in a cited passage, no near-copy with a number or negation changed, and enough of its words are covered by
 * one stretch of a passage. Returns the ledger entry; it never throws.
 */
export function checkClaim(sentence: DraftSentence, passages: readonly Passage[], question: string): Claim {
  const text = withoutMarkers(sentence.text)
  const byNumber = new Map(passages.map((passage) => [passage.n, passage]))
  const asked = [...new Set(sentence.citations)]
  const cited = asked.flatMap((n) => byNumber.get(n) ?? [])
  const base = {
    text: sentence.text,
    score: 0,
    citations: cited.map((passage) => passage.n),
    kind: 'claim' as const,
    supported: false,
  }

  if (isCourtesy(text)) return { ...base, kind: 'courtesy', supported: true, score: 1, citations: [], reason: '' }
  const missing = asked.filter((n) => !byNumber.has(n))
  if (missing.length > 0) return { ...base, reason: `cites passage ${missing.join(', ')}, which was not given` }
  if (cited.length === 0) return { ...base, reason: 'makes a claim without citing a passage' }

  const evidence = cited.map(readEvidence)
  const terms = weighTerms(text)
  const copy = copyOf(text, terms, evidence)
  const span = copy ?? bestOf(terms, evidence)
  if (span === undefined) return { ...base, reason: `passage ${base.citations.join(', ')} holds no text` }
  const { n, start, end, score } = span
  const reason = copy === undefined ? (factProblem(text, evidence, question, span) ?? sentenceProblem(text, evidence)) : ''
  return { ...base, score, evidence: { n, start, end, text: span.text }, supported: reason === '', reason }
}

/** The best span of all cited passages; the first one wins a tie, for the model put it first. */
function bestOf(terms: ReadonlyMap<string, number>, evidence: readonly Evidence[]): EvidenceSpan | undefined {
  let best: EvidenceSpan | undefined
  for (const one of evidence) {
    const span = bestSpan(terms, one)
    if (span !== undefined && (best === undefined || span.score > best.score)) best = span
  }
  return best
}

/** The unit that the text repeats word for word: a sentence, an item with or without its number, a table row with its headers. */
function copyOf(text: string, terms: ReadonlyMap<string, number>, evidence: readonly Evidence[]): EvidenceSpan | undefined {
  const words = normalWords(text.replace(/^\(?\d{1,3}[.)] /, ''))
  if (words === '') return undefined
  for (const { units, passage } of evidence) {
    for (const one of units) {
      const { unit } = one
      if (isFar(terms, one) || !wordingsOf(one).includes(words)) continue
      return { n: passage.n, start: unit.start, end: unit.end, text: unit.text, score: 1, units: [one] }
    }
  }
  return undefined
}

/** Lacks nearly all of the words: no copy, and found out by a few look-ups. */
function isFar(claim: ReadonlyMap<string, number>, { terms }: EvidenceUnit): boolean {
  let lacking = 0
  for (const term of claim.keys()) if (!terms.has(term)) lacking++
  return claim.size > 2 && lacking * 4 > claim.size * 3
}

/** The first checkable item that no cited passage holds, as a reason that names what stands there instead. */
function factProblem(text: string, evidence: readonly Evidence[], question: string, span: EvidenceSpan): string | undefined {
  const facts = factsIn(text)
  if (facts.length === 0) return undefined
  const known = evidence.flatMap((one) => one.facts)
  const given = factsIn(question)
  const asked = ` ${normalWords(question)} `
  for (const fact of facts) {
    // Quoting the code that the customer named asserts nothing; any other number would.
    if (fact.kind === 'code' && standsAmong(fact, given)) continue
    // A term of the customer's, put between quotation marks, is no quotation from a source.
    if (fact.kind === 'quote' && isShortTerm(fact.value) && asked.includes(` ${fact.value} `)) continue
    if (fact.kind !== 'quote' && ADMITS_GAP.test(text) && standsAmong(fact, given)) continue
    // "There are two plans" counts what the passage lists; a changed count of a near-copy is found below.
    if (fact.kind === 'number' && fact.unit === undefined && /^[a-z]+$/i.test(fact.raw) && Number(fact.value) <= 10) continue
    const held = evidence.some((one) => holdsFact(fact, one))
    const name = otherName(fact, known)
    if (held && name === undefined) continue
    const instead = name ?? counterpart(fact, facts, span)
    const where = evidence.map((one) => one.passage.n).join(', ')
    const label =
      fact.kind === 'quote' ? `quotes "${fact.raw}"` : `says "${name === undefined ? fact.raw : `${fact.before} ${fact.raw}`}"`
    if (instead === undefined) return `${label}, which is not in passage ${where}`
    return `${label}, passage ${span.n} says "${name === undefined ? instead.raw : `${instead.before} ${instead.raw}`}"`
  }
  return undefined
}

const isShortTerm = (words: string): boolean => !/\d/.test(words) && words.split(' ').length <= 4

function counterpart(fact: Fact, claimed: readonly Fact[], span: EvidenceSpan): Fact | undefined {
  return span.units.flatMap((unit) => unit.facts).find((other) => comparable(fact, other) && !standsAmong(other, claimed))
}

/** Several sentences in one entry are judged one by one: a true one must not carry an invented one. */
function sentenceProblem(text: string, evidence: readonly Evidence[]): string {
  const parts = splitSentences(text)
  for (const { text: part } of parts.length === 0 ? [{ text }] : parts) {
    const terms = weighTerms(part)
    const contradiction = findContradiction(part, terms, evidence) ?? findOtherName(part, evidence)
    if (contradiction !== undefined) return contradiction
    if (parts.length > 1 && terms.size < MIN_TERMS) continue
    const span = bestOf(terms, evidence)
    if (span === undefined || span.score < MIN_SUPPORT) {
      const share = Math.round((span?.score ?? 0) * 100)
      return `only ${share} % of "${part.length > 80 ? `${part.slice(0, 79)}…` : part}" is covered by passage ${evidence.map((one) => one.passage.n).join(', ')}`
    }
  }
  return ''
}
