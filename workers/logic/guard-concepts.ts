import { foldForMatching } from '#shared/text/normalize.ts'
import { GUARD_LEXICON } from './guard-lexicon.ts'

/**
 * What a text speaks of, in any language the lexicon knows, and in which order: "ignore + prior + rules" is learnt once and not once a
 * language. Names of concepts, of ordered pairs and runs of three within a sentence, of what opens a sentence and of what a question holds.
 */

type Term = { readonly text: string; readonly stem: boolean; readonly concept: string }

const KEY_CHARACTERS = 2
/** Longest first, by their first characters: a word is compared with a handful of entries. */
const TERMS: ReadonlyMap<string, readonly Term[]> = (() => {
  const terms = new Map<string, Term[]>()
  for (const [concept, entries] of Object.entries(GUARD_LEXICON))
    for (const entry of entries.trim().split(/\s+/)) {
      const stem = entry.endsWith('*')
      const text = foldForMatching(stem ? entry.slice(0, -1) : entry)
      const key = text.slice(0, KEY_CHARACTERS)
      if (text !== '') terms.set(key, [...(terms.get(key) ?? []), { text, stem, concept }])
    }
  for (const some of terms.values()) some.sort((a, b) => b.text.length - a.text.length || (a.text < b.text ? -1 : 1))
  return terms
})()

/** Scripts that write words in one or two characters, or without spaces. */
export const DENSE_SCRIPT = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u1100-\u11ff]/

function conceptsOf(token: string): readonly string[] {
  if (DENSE_SCRIPT.test(token)) return conceptsWithin(token)
  const found = TERMS.get(token.slice(0, KEY_CHARACTERS))?.find(({ text, stem }) =>
    stem ? token.startsWith(text) : token === text,
  )
  return found ? [found.concept] : []
}

function conceptsWithin(run: string): string[] {
  const found: string[] = []
  for (let at = 0; at < run.length; at++) {
    const terms = TERMS.get(run.slice(at, at + KEY_CHARACTERS)) ?? TERMS.get(run[at]!)
    const hit = terms?.find(({ text }) => run.startsWith(text, at))
    if (!hit) continue
    found.push(hit.concept)
    at += hit.text.length - 1
  }
  return found
}

/** How many words two concepts may stand apart to count as a pair. */
const REACH_TOKENS = 8
const SENTENCE_END = /^[.?!;？。]$/
/** What may stand before the first word of an order. */
const OPENER = /^[^\p{L}]$|^(?:please|pls|now|and|then|just|bitte|hi|hello|ok|so|but|also)$/u

type Mention = { readonly concept: string; readonly at: number }

/** @param tokens as guardTokens gives them */
export function conceptSigns(tokens: readonly string[]): string[] {
  const signs = new Set<string>()
  let sentence: Mention[] = []
  let opening = true
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!
    if (SENTENCE_END.test(token)) {
      addSentence(sentence, token === '?' || token === '？', signs)
      sentence = []
      opening = true
      continue
    }
    for (const concept of conceptsOf(token)) {
      signs.add(concept)
      if (opening) signs.add(`^${concept}`)
      sentence.push({ concept, at })
    }
    if (opening && !OPENER.test(token)) opening = false
  }
  addSentence(sentence, false, signs)
  return [...signs]
}

function addSentence(sentence: readonly Mention[], isQuestion: boolean, signs: Set<string>): void {
  for (let second = 0; second < sentence.length; second++) {
    const { concept, at } = sentence[second]!
    for (let first = second - 1; first >= 0 && at - sentence[first]!.at <= REACH_TOKENS; first--)
      if (sentence[first]!.concept !== concept) signs.add(`${sentence[first]!.concept}>${concept}`)
    if (second >= 2) signs.add(`${sentence[second - 2]!.concept}>${sentence[second - 1]!.concept}>${concept}`)
    if (isQuestion) signs.add(`${concept}?`)
  }
}
