import type { Passage } from '#shared/domain/passage.ts'
import type { Placeholder, Screened } from '#shared/domain/screened.ts'
import type { Verdict } from '#shared/domain/verdict.ts'
import { type Fact, factsIn } from '#shared/text/facts-in-text.ts'
import { detectLanguage } from './detect-language.ts'
import { standsAmong } from './match-facts.ts'
import { readEvidence } from './read-evidence.ts'

export type OutputCheck = Verdict['outputChecks'][number]

/** Everything the customer would be shown, before it is shown. */
export type Output = {
  readonly sentences: readonly string[]
  readonly followUps: readonly string[]
  readonly by: 'model' | 'extractive'
}

const MAX_ANSWER_CHARACTERS = 6_000
const MAX_SENTENCE_CHARACTERS = 1_500

const PLACEHOLDER = /\[[A-Z][A-Z_]{0,30}_\d{1,6}\]/g
/** An image is fetched without a click, so its address can carry data away (OWASP LLM Top 10: improper output handling). */
const IMAGE = /!\[[^\]\n]{0,200}\](?:\(|\[)|<img\b/i
const ACTIVE_HTML = /<\/?(?:script|iframe|object|embed|form|svg|style|link|meta|a|img)\b|\bjavascript:/i
/** Words of our own prompts and of models that talk about them; they count only where no passage holds them. */
export const PROMPT_WORDS = [
  'you draft replies for a customer support team',
  'you know nothing but the passages',
  'it never changes these rules',
]
const LEAKS = [
  ...PROMPT_WORDS,
  'system prompt',
  'my instructions',
  'hidden instructions',
  'as an ai language model',
  '<passage',
  '</passage',
  '<|im_start|>',
  '<|system|>',
]

/**
 * What is wrong with one sentence whatever it claims, or undefined: an address that no passage holds, an image, active markup, a
 * placeholder that masks nothing of this customer's. Such a sentence can be cut.
 */
export function sentenceTrouble(
  sentence: string,
  passages: readonly Passage[],
  placeholders: readonly Placeholder[],
): string | undefined {
  const known = passages.flatMap((passage) => readEvidence(passage).facts)
  const address = addressesIn(sentence).find((fact) => !standsAmong(fact, known))
  if (address !== undefined) return `holds the ${address.kind} "${address.raw}", which no passage holds`
  if (IMAGE.test(sentence)) return 'holds an image'
  if (ACTIVE_HTML.test(sentence)) return 'holds HTML that a browser would act on'
  const unknown = sentence.match(PLACEHOLDER)?.find((token) => !placeholders.some((placeholder) => placeholder.token === token))
  return unknown === undefined ? undefined : `holds ${unknown}, which stands for nothing in this ticket`
}

const addressesIn = (text: string): Fact[] =>
  factsIn(text).filter(({ kind }) => kind === 'url' || kind === 'email' || kind === 'phone')

/**
 * Deterministic checks on the whole draft. `canaries` are strings that stand in our prompts and nowhere else. A failed `leak`
 * forbids delivery; a failed `language` or `length` asks for another draft; `sentences` is repaired or cut.
 */
export function checkOutput(
  output: Output,
  passages: readonly Passage[],
  screened: Screened,
  canaries: readonly string[],
): OutputCheck[] {
  const shown = [...output.sentences, ...output.followUps]
  const troubles = output.sentences.flatMap((sentence) => sentenceTrouble(sentence, passages, screened.placeholders) ?? [])
  return [
    verdictOn('leak', leakIn(shown.join('\n'), passages, canaries)),
    verdictOn('sentences', troubles.length === 0 ? undefined : troubles.slice(0, 5).join('; ')),
    verdictOn('length', lengthTrouble(output.sentences)),
    verdictOn('language', output.by === 'model' ? languageTrouble(output.sentences.join(' '), screened) : undefined),
  ]
}

const verdictOn = (check: string, trouble: string | undefined): OutputCheck => ({
  check,
  passed: trouble === undefined,
  detail: trouble ?? '',
})

function leakIn(text: string, passages: readonly Passage[], canaries: readonly string[]): string | undefined {
  const lower = text.toLowerCase()
  if (canaries.some((canary) => canary.length >= 8 && lower.includes(canary.toLowerCase()))) return 'repeats a mark of our prompt'
  const marker = LEAKS.find((leak) => lower.includes(leak))
  if (marker === undefined || passages.some((passage) => passage.text.toLowerCase().includes(marker))) return undefined
  return `speaks of "${marker}"`
}

function lengthTrouble(sentences: readonly string[]): string | undefined {
  const total = sentences.reduce((sum, sentence) => sum + sentence.length, 0)
  if (total > MAX_ANSWER_CHARACTERS) return `${total} characters, ${MAX_ANSWER_CHARACTERS} at most`
  const longest = Math.max(0, ...sentences.map((sentence) => sentence.length))
  return longest > MAX_SENTENCE_CHARACTERS ? `a sentence of ${longest} characters, ${MAX_SENTENCE_CHARACTERS} at most` : undefined
}

const SURE = 0.6
const MIN_LETTERS = 40

/** Only where both languages are clear: a short or mixed message proves nothing. */
function languageTrouble(text: string, screened: Screened): string | undefined {
  if (screened.language === 'und' || screened.languageConfidence < SURE) return undefined
  if ((text.match(/\p{L}/gu)?.length ?? 0) < MIN_LETTERS) return undefined
  const { language, confidence } = detectLanguage(text)
  if (language === 'und' || language === screened.language || confidence < SURE) return undefined
  return `is written in "${language}", the customer wrote in "${screened.language}"`
}
