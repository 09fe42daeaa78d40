import { LRUCache } from 'lru-cache'
import type { Passage } from '#shared/domain/passage.ts'
import { type Fact, factsIn } from '#shared/text/facts-in-text.ts'
import { splitSentences } from '#shared/text/sentences.ts'
import { isStopWord } from '#shared/text/stop-words.ts'
import { contentTerms, tokenize } from '#shared/text/tokenize.ts'
import { rarityOf } from '#shared/text/word-rarity.ts'
import { findContradiction } from './find-contradiction.ts'
import { holdsFact, standsAmong } from './match-facts.ts'
import { bestSpan, type Evidence, readEvidence } from './read-evidence.ts'

/** Two content words this close are said together. */
const NEAR = 5
const FAMILY_CHARACTERS = 5
const GRAM = 4
const NEGATION =
  /\b(?:no|not|never|without|none|neither|nor|nobody|nothing|cannot|unable|hardly|fails?|failed|lacks?|lacked)\b|n't\b/gi
const ABSOLUTE = new Set(
  'all every always only never none entirely completely most least fully exclusively solely unanimously immediately extremely significantly'.split(
    ' ',
  ),
)

/** Everything that may speak for a claim, read once: the passages and what the customer said. */
export type SupportIndex = {
  readonly evidence: readonly Evidence[]
  /** Of each passage and of what the customer said. */
  readonly parts: readonly Part[]
  /** Content terms and all words, with where they stand in the parts behind one another: what is said together is looked up, not listed. */
  readonly content: Positions
  readonly tokens: Positions
  readonly asked: readonly Fact[]
}

/** What one text holds. */
type Part = {
  readonly content: readonly string[]
  readonly tokens: readonly string[]
  readonly terms: ReadonlySet<string>
  readonly families: ReadonlySet<string>
  readonly grams: ReadonlySet<string>
  readonly words: ReadonlySet<string>
  readonly negations: ReadonlySet<string>
}
type Positions = { readonly list: readonly string[]; readonly at: ReadonlyMap<string, readonly number[]> }

/** @param asked the question and earlier turns: repeating them asserts nothing */
export function supportIndex(passages: readonly Passage[], asked: string): SupportIndex {
  const parts = [...passages.map(({ title, section, text }) => [title, ...section, text].join('\n')), asked].map(partOf)
  return {
    evidence: passages.map(readEvidence),
    parts,
    content: positionsIn(parts.flatMap(({ content }) => content)),
    tokens: positionsIn(parts.flatMap(({ tokens }) => tokens)),
    asked: factsIn(asked),
  }
}

/** Popular passages are cited in answer after answer. */
const known = new LRUCache<string, Part>({ max: 400 })
function partOf(text: string): Part {
  const part = known.get(text) ?? readPart(text)
  known.set(text, part)
  return part
}

function readPart(text: string): Part {
  const content = contentTerms(text)
  const terms = new Set(content)
  return {
    content,
    tokens: tokenize(text),
    terms,
    families: new Set([...terms].filter(({ length }) => length > FAMILY_CHARACTERS).map(familyOf)),
    grams: new Set([...terms].flatMap(gramsOf)),
    words: new Set(wordsOf(text.toLowerCase())),
    negations: new Set(negationsIn(text)),
  }
}

function positionsIn(list: readonly string[]): Positions {
  const at = new Map<string, number[]>()
  for (let position = 0; position < list.length; position++) {
    const positions = at.get(list[position]!)
    if (positions) positions.push(position)
    else at.set(list[position]!, [position])
  }
  return { list, at }
}

type Kind = 'terms' | 'families' | 'grams' | 'words' | 'negations'
const holds = ({ parts }: SupportIndex, kind: Kind, item: string) => parts.some((part) => part[kind].has(item))

/** Whether these words stand one behind the other. */
const inSequence = (words: readonly string[], { list, at }: Positions): boolean =>
  at.get(words[0]!)?.some((from) => words.every((word, nth) => list[from + nth] === word)) ?? false

/** Whether two terms stand within a few words of each other, in either order; a term beside itself needs to stand twice. */
function areNear(a: string, b: string, { at }: Positions): boolean {
  const [as, bs] = [at.get(a), at.get(b)]
  if (as === undefined || bs === undefined) return false
  if (a === b) return as.some((position, nth) => nth > 0 && position - as[nth - 1]! <= NEAR)
  // Both lists ascend: whichever is behind goes on, so that a word said a thousand times costs a thousand looks and not a million.
  for (let i = 0, j = 0; i < as.length && j < bs.length; as[i]! < bs[j]! ? i++ : j++) {
    if (Math.abs(as[i]! - bs[j]!) <= NEAR) return true
  }
  return false
}

const familyOf = (term: string) => term.slice(0, FAMILY_CHARACTERS)
const gramsOf = (term: string): string[] =>
  Array.from({ length: Math.max(0, term.length - GRAM + 1) }, (_, at) => term.slice(at, at + GRAM))
const wordsOf = (text: string) => text.split(/[^\p{L}\p{N}]+/u).filter(Boolean)
const negationsIn = (text: string) => (text.match(NEGATION) ?? []).map((word) => word.toLowerCase())
const share = (part: number, whole: number, ofNothing = 1) => (whole === 0 ? ofNothing : part / whole)
const worst = (values: readonly number[], lowIsBad: boolean) => (lowIsBad ? Math.min(...values) : Math.max(...values))

/** Of one sentence. What is covered is low when bad, all else is high when bad. */
type Signs = Readonly<Record<(typeof COVERED)[number] | (typeof LACKING)[number], number>>
const COVERED = ['span', 'terms', 'families', 'near', 'pairs', 'triples', 'grams'] as const
const LACKING = [
  'missing',
  'rarestMissing',
  'gaps',
  'names',
  'nameShare',
  'facts',
  'numbers',
  'negation',
  'absolutes',
  'adverbs',
  'contradiction',
  'length',
] as const

/** What the weights are for, in order. */
export const SUPPORT_FEATURES: readonly string[] = [
  ...COVERED.flatMap((name) => [`${name} on average`, `${name} at worst`]),
  ...LACKING.flatMap((name) => [`${name} on average`, `${name} at worst`]),
  'sentences',
]

/** The features of a claim or a whole answer: each sign on average over its sentences and at its worst. */
export function supportFeatures(text: string, index: SupportIndex): number[] {
  const said = splitSentences(text)
    .map((sentence) => sentence.text)
    .filter((sentence) => contentTerms(sentence).length >= 2)
  const signs = (said.length === 0 ? [text] : said).map((sentence) => signsOf(sentence, index))
  const both = (name: keyof Signs, lowIsBad: boolean) => {
    const values = signs.map((one) => one[name])
    return [values.reduce((sum, value) => sum + value, 0) / values.length, worst(values, lowIsBad)]
  }
  return [
    ...COVERED.flatMap((name) => both(name, true)),
    ...LACKING.flatMap((name) => both(name, false)),
    Math.log(1 + signs.length),
  ]
}

function signsOf(sentence: string, index: SupportIndex): Signs {
  const terms = contentTerms(sentence)
  const weights = new Map(terms.map((term) => [term, rarityOf(term)]))
  const tokens = tokenize(sentence)
  const missing = terms.filter((term) => !isKnown(term, index))
  const weigh = (list: readonly string[]) => list.reduce((sum, term) => sum + rarityOf(term), 0)
  const grams = [...new Set(terms)].flatMap(gramsOf)
  return {
    span: Math.max(0, ...index.evidence.map((one) => bestSpan(weights, one)?.score ?? 0)),
    terms: share(weigh(terms.filter((term) => holds(index, 'terms', term))), weigh(terms)),
    families: share(weigh(terms) - weigh(missing), weigh(terms)),
    near: shareOf(terms, 2, ([a, b]) => areNear(a!, b!, index.content)),
    pairs: shareOf(tokens, 2, (words) => inSequence(words, index.tokens)),
    triples: shareOf(tokens, 3, (words) => inSequence(words, index.tokens)),
    grams: share(grams.filter((gram) => holds(index, 'grams', gram)).length, grams.length),
    missing: Math.min(5, missing.length),
    rarestMissing: Math.max(0, ...missing.map(rarityOf)),
    gaps: Math.min(4, gapsIn(terms, index)),
    ...namesIn(sentence, index),
    ...factsLacking(sentence, index),
    numbers: share(
      terms.filter((term) => /\d/.test(term) && !holds(index, 'terms', term)).length,
      terms.filter((term) => /\d/.test(term)).length,
      0,
    ),
    negation: negationsIn(sentence).some((word) => !holds(index, 'negations', word)) ? 1 : 0,
    ...wordsLacking(sentence, index),
    contradiction: findContradiction(sentence, weights, index.evidence) === undefined ? 0 : 1,
    length: Math.log(1 + terms.length),
  }
}

const isKnown = (term: string, index: SupportIndex) =>
  holds(index, 'terms', term) || (term.length >= FAMILY_CHARACTERS && holds(index, 'families', familyOf(term)))

function shareOf(list: readonly string[], size: 2 | 3, isHeld: (words: readonly string[]) => boolean): number {
  let held = 0
  for (let at = 0; at + size <= list.length; at++) if (isHeld(list.slice(at, at + size))) held++
  return share(held, Math.max(0, list.length - size + 1))
}

/** A strange word between two that the source says together: somebody put it there. */
function gapsIn(terms: readonly string[], index: SupportIndex): number {
  let gaps = 0
  for (let at = 1; at + 1 < terms.length; at++)
    if (!holds(index, 'terms', terms[at]!) && areNear(terms[at - 1]!, terms[at + 1]!, index.content)) gaps++
  return gaps
}

function namesIn(sentence: string, index: SupportIndex): { names: number; nameShare: number } {
  const names = wordsOf(sentence)
    .slice(1)
    .filter((word) => /^\p{Lu}./u.test(word) && !isStopWord(word.toLowerCase()))
  const unknown = names.filter((word) => !holds(index, 'words', word.toLowerCase())).length
  return { names: Math.min(3, unknown), nameShare: share(unknown, names.length, 0) }
}

function factsLacking(sentence: string, { evidence, asked }: SupportIndex): { facts: number } {
  const lacking = factsIn(sentence).some((fact) => !standsAmong(fact, asked) && !evidence.some((one) => holdsFact(fact, one)))
  return { facts: lacking ? 1 : 0 }
}

function wordsLacking(sentence: string, index: SupportIndex): { absolutes: number; adverbs: number } {
  const strange = wordsOf(sentence.toLowerCase()).filter((word) => !holds(index, 'words', word))
  return {
    absolutes: Math.min(2, strange.filter((word) => ABSOLUTE.has(word)).length),
    adverbs: Math.min(2, strange.filter((word) => word.length > 5 && word.endsWith('ly')).length),
  }
}
