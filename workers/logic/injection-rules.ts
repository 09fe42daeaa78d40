import { foldForMatching, normalizeText } from '#shared/text/normalize.ts'
import { type DecodedPiece, decodedPieces } from './injection-rules-decoded.ts'
import { ENGLISH } from './injection-rules-english.ts'
import { ENGLISH_ROLES } from './injection-rules-english-roles.ts'
import { LANGUAGES } from './injection-rules-languages.ts'
import { MARKUP } from './injection-rules-markup.ts'
import type { InjectionRule } from './injection-rules-phrase.ts'

export type InjectionScore = { score: number; rules: string[] }

const PHRASES = [...ENGLISH, ...ENGLISH_ROLES, ...LANGUAGES]

/** Most text a single scan looks at; decoded pieces count extra, within their own bounds. */
export const MAX_SCANNED_CHARACTERS = 100_000
/** A payload that has to be decoded before a rule sees it was hidden on purpose. */
const HIDDEN_WEIGHT = 0.5

/**
 * How strongly a message tries to instruct the machine instead of asking for help: 0 nothing … 1 certain, and the rules that say so.
 * Rules are combined as independent evidence (noisy-or, Pearl 1988): 1 - Π(1 - weight), each rule once however often it hits.
 * `raw` is the text before normalisation; give it, and hidden characters are read, too. Rules see words and structure, not meaning:
 * an attack in other words passes, which is why nothing downstream trusts a message for having come through here.
 * `folded` and `pieces` are those of the first 100,000 characters, where the caller has them already.
 */
export function scoreInjection(
  text: string,
  raw = text,
  folded = foldForMatching(text.slice(0, MAX_SCANNED_CHARACTERS)),
  pieces: readonly DecodedPiece[] = decodedPieces(raw.slice(0, MAX_SCANNED_CHARACTERS)),
): InjectionScore {
  const weights = new Map<string, number>()
  scan(text.slice(0, MAX_SCANNED_CHARACTERS), folded, (rule) => weights.set(rule.name, rule.weight))
  for (const { encoding, text: piece, hidden } of pieces) {
    scan(piece, foldForMatching(piece), (rule) => {
      if (!weights.has(rule.name)) weights.set(`${encoding}:${rule.name}`, rule.weight)
      if (hidden) weights.set(`hidden-in-${encoding}`, HIDDEN_WEIGHT)
    })
  }
  const doubt = [...weights.values()].reduce((left, weight) => left * (1 - weight), 1)
  return { score: Math.round((1 - doubt) * 1000) / 1000, rules: [...weights.keys()].sort() }
}

function scan(text: string, words: string, hit: (rule: InjectionRule) => void): void {
  for (const rule of PHRASES) if (rule.pattern.test(words)) hit(rule)
  const structure = normalizeText(text).toLowerCase()
  for (const rule of MARKUP) if (rule.pattern.test(structure)) hit(rule)
}
