import type { Passage } from '#shared/domain/passage.ts'
import type { Placeholder, Screened } from '#shared/domain/screened.ts'
import { DEFAULT_PROOF, type TenantProof } from '#shared/domain/tenant-proof.ts'
import type { Verdict } from '#shared/domain/verdict.ts'
import { type Fact, factsIn } from '#shared/text/facts-in-text.ts'
import { detectLanguage } from './detect-language.ts'
import { keptWith } from './kept-with.ts'
import { standsAmong } from './match-facts.ts'
import { leakIn } from './output-leak.ts'
import { forbiddenIn, isRefusal, offenceIn } from './output-words.ts'
import { cards, ibans, networkAddresses, secretUrls, socialSecurityNumbers } from './pii-patterns.ts'
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
/** A link or a reference to one, in Markdown or bare: `[x](target)`, `<scheme:…>`, `[x]: target`, `host.tld/path`. */
const LINK_TARGETS = [
  /\]\(\s{0,9}<?([^\s)>]{1,2000})/g,
  /^\s{0,9}\[[^\]\n]{1,80}\]:\s{0,9}<?(\S{1,2000})/gm,
  /(?<![\p{L}\p{N}])([a-z][a-z0-9+.-]{1,20}:\/\/[^\s<>"'`)\]]{1,2000})/giu,
  /(?<![\p{L}\p{N}@./-])((?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24}\/[^\s<>"'`)\]]{1,2000})/giu,
]
/** What is left of a reply that was meant for a machine. */
const JSON_RESIDUE = /"(?:citations|sentences|answerable|followUps)"\s{0,9}:|^\s{0,9}[{[]\s{0,9}"/
const CONTROL =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff]|[\u{e0000}-\u{e007f}]/u

/**
 * What is wrong with one sentence whatever it claims, or undefined: an address, price or personal data that no passage holds, a
 * link that leads elsewhere, an image, active markup, a placeholder that masks nothing of this customer's, an insult, a word that
 * the tenant forbids. Such a sentence can be cut.
 */
export function sentenceTrouble(
  sentence: string,
  passages: readonly Passage[],
  placeholders: readonly Placeholder[],
  policy: TenantProof = DEFAULT_PROOF,
): string | undefined {
  const looked = lookedAt(passages)
  if (looked.placeholders !== placeholders || looked.policy !== policy)
    Object.assign(looked, { placeholders, policy, troubles: new Map() })
  if (!looked.troubles.has(sentence)) looked.troubles.set(sentence, findTrouble(sentence, passages, placeholders, policy))
  return looked.troubles.get(sentence)
}

/** The ledger asks of each sentence what the check of the whole draft asks again; kept for as long as the passages themselves. */
const lookedAt: (passages: readonly Passage[]) => {
  readonly placeholders?: readonly Placeholder[]
  readonly policy?: TenantProof
  readonly troubles: Map<string, string | undefined>
} = keptWith(() => ({ troubles: new Map() }))

function findTrouble(
  sentence: string,
  passages: readonly Passage[],
  placeholders: readonly Placeholder[],
  policy: TenantProof,
): string | undefined {
  const addresses = addressesIn(sentence)
  const known = addresses.length === 0 ? [] : passages.flatMap((passage) => readEvidence(passage).facts)
  const address = addresses.find((fact) => !standsAmong(fact, known))
  if (address !== undefined) return `holds the ${address.kind} "${address.raw}", which no passage holds`
  const link = strangeLink(sentence, passages)
  if (IMAGE.test(sentence)) return 'holds an image'
  if (ACTIVE_HTML.test(sentence)) return 'holds HTML that a browser would act on'
  if (link !== undefined) return `links to "${link}", which no passage holds`
  if (JSON_RESIDUE.test(sentence)) return 'holds what was meant for a machine'
  if (CONTROL.test(sentence)) return 'holds characters that nobody sees'
  const unknown = sentence.match(PLACEHOLDER)?.find((token) => !placeholders.some((placeholder) => placeholder.token === token))
  if (unknown !== undefined) return `holds ${unknown}, which stands for nothing in this ticket`
  const personal = personalIn(sentence, passages)
  if (personal !== undefined) return `holds personal data (${personal}) that no passage holds`
  const offence = offenceIn(sentence, passages)
  if (offence !== undefined) return `is offensive ("${offence}")`
  const forbidden = forbiddenIn(sentence, policy)
  return forbidden === undefined ? undefined : `says "${forbidden.term}", which the policy forbids (${forbidden.list})`
}

const ADDRESSES = new Set<Fact['kind']>(['url', 'email', 'phone', 'price'])
const addressesIn = (text: string): Fact[] => factsIn(text).filter(({ kind }) => ADDRESSES.has(kind))

/** The target of a link that stands in no passage, letter by letter: what hangs behind a known address may carry data away. */
function strangeLink(sentence: string, passages: readonly Passage[]): string | undefined {
  const targets = LINK_TARGETS.flatMap((pattern) => [...sentence.matchAll(pattern)].map(([, target]) => bare(target!)))
  return targets.find((target) => !passages.some(({ text, url }) => text.includes(target) || bare(url ?? '') === target))
}
const bare = (address: string) => address.replace(/^(?:https?:\/\/)?(?:www\.)?/i, '').replace(/[.,;:!?/*_]{1,9}$/, '')

/** Numbers that belong to a person, by their checksums and shapes; the customer's own are behind placeholders. */
function personalIn(sentence: string, passages: readonly Passage[]): string | undefined {
  const short = sentence.slice(0, 2_000)
  for (const find of [ibans, cards, socialSecurityNumbers, secretUrls, networkAddresses]) {
    for (const { type, start, end } of find(short)) {
      const value = short.slice(start, end)
      if (!passages.some(({ text }) => text.includes(value))) return type
    }
  }
  return undefined
}

/**
 * Deterministic checks on the whole draft. `canaries` are strings that stand in our prompts and nowhere else. A failed `leak`
 * or `refusal` forbids delivery; a failed `language` or `length` asks for another draft; `sentences` is repaired or cut.
 */
export function checkOutput(
  output: Output,
  passages: readonly Passage[],
  screened: Screened,
  canaries: readonly string[],
  policy: TenantProof = DEFAULT_PROOF,
): OutputCheck[] {
  const shown = [...output.sentences, ...output.followUps]
  const troubles = output.sentences.flatMap(
    (sentence) => sentenceTrouble(sentence, passages, screened.placeholders, policy) ?? [],
  )
  const refusals = output.sentences.filter((sentence) => isRefusal(sentence, passages))
  // A draft may say what it lacks beside what it has; one that mostly declines is no answer.
  const refusal = refusals.length * 2 >= output.sentences.length ? refusals[0] : undefined
  return [
    verdictOn('leak', leakIn(shown, passages, canaries)),
    verdictOn('refusal', refusal === undefined ? undefined : `declines: "${refusal.slice(0, 200)}"`),
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
