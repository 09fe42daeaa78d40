import { englishDataset, englishRecommendedTransformers, RegExpMatcher } from 'obscenity'
import type { Passage } from '#shared/domain/passage.ts'
import type { TenantProof } from '#shared/domain/tenant-proof.ts'
import { normalWords } from '#shared/text/facts-in-text.ts'

const profanity = new RegExpMatcher({ ...englishDataset.build(), ...englishRecommendedTransformers })
/** Insults that are no profanity; a support team uses none of them. */
const INSULTS =
  /\b(?:idiots?|idiotic|morons?|moronic|imbeciles?|stupid|dumb|losers?|liars?|scum|pathetic|worthless|disgusting|shut up|screw you|go to hell|kill yourself|drop dead|trash person|ugly|cretins?|clowns?|fools?|nazis?|crooks?|thugs?|traitors?)\b/i

/** The offensive word of a sentence that no passage holds; undefined where there is none. English words only. */
export function offenceIn(sentence: string, passages: readonly Passage[]): string | undefined {
  const short = sentence.slice(0, 2_000)
  const match = profanity.getAllMatches(short, true)[0]
  const found = match ? wordAround(short, match.startIndex, match.endIndex + 1) : INSULTS.exec(short)?.[0]
  if (found === undefined) return undefined
  const word = ` ${normalWords(found)} `
  return passages.some((passage) => ` ${normalWords(passage.text)} `.includes(word)) ? undefined : found
}

/** `Ritterspornweg`, not the four letters in it: a street that the sources name offends nobody. */
function wordAround(text: string, start: number, end: number): string {
  const before = /[\p{L}\p{N}]{0,40}$/u.exec(text.slice(Math.max(0, start - 40), start))![0]
  const behind = /^[\p{L}\p{N}]{0,40}/u.exec(text.slice(end, end + 40))![0]
  return before + text.slice(start, end) + behind
}

const REFUSALS = [
  /\b(?:i|we)(?: am|'m|’m| are|'re|’re)? (?:sorry|afraid)?,? ?(?:but )?(?:i |we )?(?:can ?not|can't|can’t|am unable to|am not able to|'m not able to|are unable to|am not allowed to|won't|will not|must decline to) (?:help|assist|answer|provide|comply|discuss|share|do that|respond|support (?:you|that|this)|fulfil+|continue|engage)\b/i,
  /\b(?:i|we) (?:do not|don't|don’t) have (?:enough |any |the |sufficient |reliable )*(?:information|access|data|knowledge)\b/i,
  /\bas an? (?:ai|artificial|language model|virtual assistant|assistant)\b/i,
  /\b(?:i|we) must (?:refuse|decline)\b/i,
  /\b(?:ich|wir) (?:kann|können|darf|dürfen)\b[^.]{0,40}\bnicht (?:helfen|beantworten|weiterhelfen)\b/i,
  /\b(?:leider|tut mir leid)\b[^.]{0,60}\bnicht (?:helfen|beantworten|weiterhelfen)\b/i,
  /\bje (?:ne peux pas|ne suis pas en mesure)\b/i,
  /\bno puedo (?:ayudar|responder|proporcionar)/i,
  /\bnon posso (?:aiutar|rispondere|fornire)/i,
  /\bnão posso (?:ajudar|responder|fornecer)/i,
  /\bik kan (?:u |je )?(?:hier)?[^.]{0,30}niet (?:helpen|beantwoorden)\b/i,
]

/** "I can't help with that": no answer, whatever stands around it. What a passage says itself is none. */
export function isRefusal(sentence: string, passages: readonly Passage[]): boolean {
  const short = sentence.slice(0, 1_000)
  if (!REFUSALS.some((pattern) => pattern.test(short))) return false
  const words = normalWords(short)
  return !passages.some((passage) => normalWords(passage.text).includes(words))
}

/** The term of the tenant's lists that a text holds as whole words, with the list that it stands in. */
export function forbiddenIn(
  text: string,
  { forbidden }: Pick<TenantProof, 'forbidden'>,
): { readonly list: 'topics' | 'competitors' | 'promises'; readonly term: string } | undefined {
  let words: string | undefined
  for (const list of ['topics', 'competitors', 'promises'] as const) {
    for (const term of forbidden[list]) {
      words ??= ` ${plainWords(text)} `
      if (words.includes(` ${plainWords(term)} `)) return { list, term }
    }
  }
  return undefined
}

const plainWords = (text: string) =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
