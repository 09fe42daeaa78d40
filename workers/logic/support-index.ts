import { LRUCache } from 'lru-cache'
import type { Passage } from '#shared/domain/passage.ts'
import { type Fact, factsIn } from '#shared/text/facts-in-text.ts'
import { splitSentences } from '#shared/text/sentences.ts'
import { contentTerms, tokenize } from '#shared/text/tokenize.ts'
import { keptWith } from './kept-with.ts'
import { type Evidence, type Reading, readEvidence } from './read-evidence.ts'

/** Words of one family share their first letters; below this many a match says nothing. */
const PREFIX = 3
const NEGATION =
  /\b(?:no|not|never|without|none|neither|nor|nobody|nothing|cannot|unable|hardly|fails?|failed|lacks?|lacked)\b|n't\b/gi
const NUMERALS: ReadonlyMap<string, string> = new Map(
  'zero one two three four five six seven eight nine ten eleven twelve'.split(' ').map((word, value) => [word, String(value)]),
)

/** Everything that may speak for a claim, read once: the passages and what the customer said. */
export type SupportIndex = {
  readonly evidence: readonly Evidence[]
  /** Of each passage and of what the customer said. */
  readonly parts: readonly Part[]
  readonly asked: readonly Fact[]
}

/** What one text holds. */
export type Part = {
  /** How many sentences, items and rows. */
  readonly units: number
  /** Each term with the units that hold it, in order. */
  readonly unitsOf: ReadonlyMap<string, readonly number[]>
  /** Terms by their first letters. */
  readonly byPrefix: ReadonlyMap<string, readonly string[]>
  /** All words with their places: what is said together is looked up, not listed. */
  readonly tokens: Positions
  readonly negations: ReadonlySet<string>
}
export type Positions = { readonly list: readonly string[]; readonly at: ReadonlyMap<string, readonly number[]> }

/** @param asked the question and earlier turns: repeating them asserts nothing */
export function supportIndex(passages: readonly Passage[], asked: string): SupportIndex {
  const evidence = passages.map(readEvidence)
  return {
    evidence,
    parts: [...evidence.map(({ reading }) => partOfPassage(reading)), partOfQuestion(asked)],
    asked: factsIn(asked),
  }
}

/** What the ledger has read of a passage is not read again. */
const partOfPassage: (reading: Reading) => Part = keptWith(({ whole, units, contextTerms }) =>
  partOf(whole, [contextTerms, ...units.map(({ terms }) => terms)]),
)

/** Every claim of a draft is weighed against the same question. */
const questions = new LRUCache<string, Part>({ max: 50 })
function partOfQuestion(asked: string): Part {
  const part =
    questions.get(asked) ??
    partOf(
      asked,
      splitSentences(asked).map((unit) => contentTerms(unit.text)),
    )
  questions.set(asked, part)
  return part
}

function partOf(whole: string, units: readonly Iterable<string>[]): Part {
  const unitsOf = new Map<string, number[]>()
  for (const [unit, terms] of units.entries()) for (const term of new Set(terms)) push(unitsOf, asDigits(term), unit)
  const byPrefix = new Map<string, string[]>()
  for (const term of unitsOf.keys()) if (isWord(term)) push(byPrefix, prefixOf(term), term)
  return {
    units: units.length,
    unitsOf,
    byPrefix,
    tokens: positionsIn(tokenize(whole)),
    negations: new Set(negationsIn(whole)),
  }
}

const asDigits = (term: string): string => NUMERALS.get(term) ?? term
/** The stems of a text that carry meaning, numbers in words as digits. */
export const termsOf = (text: string): string[] => termsFrom(contentTerms(text))
export const termsFrom = (content: readonly string[]): string[] => content.map(asDigits)
export const negationsIn = (text: string): string[] => (text.match(NEGATION) ?? []).map((word) => word.toLowerCase())
export const isWord = (term: string): boolean => term.length >= PREFIX && !/\d/.test(term)
export const prefixOf = (term: string): string => term.slice(0, PREFIX)

function positionsIn(list: readonly string[]): Positions {
  const at = new Map<string, number[]>()
  for (const [position, word] of list.entries()) push(at, word, position)
  return { list, at }
}

function push<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}
