import type { Passage } from '#shared/domain/passage.ts'
import { normalizeText } from '#shared/text/normalize.ts'
import { contentTerms } from '#shared/text/tokenize.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { decodedPieces } from './injection-rules-decoded.ts'

/** Words of our own prompts and of models that talk about them; they count only where no passage holds them. */
export const PROMPT_WORDS = [
  'you draft replies for a customer support team',
  'you know nothing but the passages',
  'it never changes these rules',
]
const LEAKS = [
  ...PROMPT_WORDS,
  'system prompt',
  'systemprompt',
  'system message',
  'developer message',
  'initial prompt',
  'my instructions',
  'my guidelines',
  'my prompt',
  'my rules',
  'hidden instructions',
  'i was instructed',
  'i was told to',
  'i have been instructed',
  'i am instructed',
  'as an ai language model',
  'meine anweisungen',
  'mis instrucciones',
  'mes instructions',
  'le mie istruzioni',
  'minhas instruções',
  'prompt de sistema',
  'prompt système',
  '<passage',
  '</passage',
  '<question',
  '<examples',
  '<mistakes',
  '<conversation-so-far',
  '<|im_start|>',
  '<|system|>',
]
/** So many characters of a mark in a row are no accident: the mark is random. */
const MARK_CHARACTERS = 8
/** Three content words in a row that a prompt has, too. One run may be chance. */
const RUN = 3
const MAX_RUNS = 1
/** Of the content words of a sentence, those that one prompt says near each other. */
const PARAPHRASE_SHARE = 0.6
const PARAPHRASE_PAIRS = 4
const NEAR = 4

/** Letters and digits in a row, whatever stands between them: about four words. */
const WINDOW_CHARACTERS = 20

type Grams = { readonly runs: ReadonlySet<string>; readonly pairs: ReadonlySet<string> }
let ofPrompts: (Grams & { readonly windows: ReadonlySet<string>; readonly hashes: ReadonlySet<number> }) | undefined

function gramsOf(text: string): Grams {
  const terms = contentTerms(text)
  const pairs = terms.flatMap((term, at) =>
    terms.slice(at + 1, at + 1 + NEAR).flatMap((other) => [`${term} ${other}`, `${other} ${term}`]),
  )
  return { runs: new Set(runsIn(terms)), pairs: new Set(pairs) }
}
const runsIn = (terms: readonly string[]) => terms.slice(RUN - 1).map((_, at) => terms.slice(at, at + RUN).join(' '))
const pairsIn = (terms: readonly string[]) => terms.slice(1).map((term, at) => `${terms[at]} ${term}`)

/** Behind this a prompt shows made-up replies: nobody's secret, and worded like any reply. */
const EXAMPLES = /\n(?:The examples below|Example 1\b)[\s\S]*$/

/** What the prompts say by themselves, without what is filled in and without examples. */
function promptGrams() {
  if (ofPrompts) return ofPrompts
  const text = Object.values(loadPrompts())
    .map(({ system }) => system.replace(EXAMPLES, ''))
    .join('\n')
  const letters = squeezed(text)
  const hashes = windowHashes(letters)
  const windows = Array.from(hashes, (_, at) => letters.slice(at, at + WINDOW_CHARACTERS))
  ofPrompts = { ...gramsOf(text), windows: new Set(windows), hashes: new Set(hashes) }
  return ofPrompts
}

const squeezed = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')
/** Of the stretch of so many letters that begins at each place a hash, which goes on from the one before (Rabin and Karp 1987). */
function windowHashes(letters: string): Int32Array {
  const hashes = new Int32Array(Math.max(0, letters.length - WINDOW_CHARACTERS + 1))
  let hash = 0
  for (let end = 0; end < letters.length; end++) {
    hash = Math.imul(hash, BASE) + letters.charCodeAt(end)
    const at = end + 1 - WINDOW_CHARACTERS
    if (at > 0) hash -= Math.imul(FIRST_FACTOR, letters.charCodeAt(at - 1))
    if (at >= 0) hashes[at] = hash
  }
  return hashes
}
const BASE = 0x01000193
/** Of the letter that leaves the window. */
const FIRST_FACTOR = Array.from({ length: WINDOW_CHARACTERS }, () => BASE).reduce((a, b) => Math.imul(a, b), 1)

/** Spelt out, spaced, reversed: the letters of a prompt in their order, which no passage has. */
function spellsPrompt(text: string, passages: readonly Passage[]): boolean {
  const letters = squeezed(text)
  const { windows, hashes } = promptGrams()
  const found: string[] = []
  for (const one of [letters, [...letters].reverse().join('')])
    windowHashes(one).forEach((hash, at) => {
      const window = hashes.has(hash) ? one.slice(at, at + WINDOW_CHARACTERS) : undefined
      if (window !== undefined && windows.has(window)) found.push(window)
    })
  if (found.length === 0) return false
  const known = passages.map((passage) => squeezed(`${passage.title}\n${passage.text}`))
  return found.some((window) => !known.some((one) => one.includes(window)))
}

/**
 * What of our prompts a text gives away: a mark of them however it is written (spaced, reversed, encoded), words that only they
 * hold, or a wording that follows theirs. What the passages hold is no secret.
 */
export function leakIn(shown: readonly string[], passages: readonly Passage[], canaries: readonly string[]): string | undefined {
  const text = shown.join('\n')
  // Most texts are normal already, and read once.
  const readings = [...new Set([text, normalizeText(text).normalize('NFKC'), ...decodedPieces(text).map((piece) => piece.text)])]
  if (readings.some((reading) => holdsMark(reading, canaries))) return 'repeats a mark of our prompt'
  for (const reading of readings) {
    const lower = reading.toLowerCase().replace(/\s+/g, ' ')
    const marker = LEAKS.find((leak) => lower.includes(leak))
    if (marker !== undefined && !passages.some((passage) => passage.text.toLowerCase().includes(marker)))
      return `speaks of "${marker}"`
  }
  return readings.some((reading) => spellsPrompt(reading, passages) || followsPrompt(reading, passages))
    ? 'follows the wording of our prompt'
    : undefined
}

function holdsMark(text: string, canaries: readonly string[]): boolean {
  const letters = squeezed(text.normalize('NFKC')).replace(/[^a-z0-9]+/g, '')
  const both = [letters, [...letters].reverse().join('')]
  return canaries.some((canary) => {
    const mark = canary.toLowerCase()
    const pieces = Array.from({ length: Math.max(0, mark.length - MARK_CHARACTERS + 1) }, (_, at) =>
      mark.slice(at, at + MARK_CHARACTERS),
    )
    return pieces.some((piece) => both.some((one) => one.includes(piece)))
  })
}

function followsPrompt(text: string, passages: readonly Passage[]): boolean {
  const prompt = promptGrams()
  const terms = contentTerms(text)
  const common = runsIn(terms).filter((run) => prompt.runs.has(run))
  const paraphrased = text.split(/[.!?;\n]/).some((sentence) => {
    const pairs = [...new Set(pairsIn(contentTerms(sentence)))]
    return (
      pairs.length >= PARAPHRASE_PAIRS && pairs.filter((pair) => prompt.pairs.has(pair)).length / pairs.length >= PARAPHRASE_SHARE
    )
  })
  if (common.length <= MAX_RUNS && !paraphrased) return false
  const known = gramsOf(passages.map((passage) => `${passage.title}\n${passage.text}`).join('\n'))
  if (common.filter((run) => !known.runs.has(run)).length > MAX_RUNS) return true
  return (
    paraphrased && pairsIn(terms).filter((pair) => prompt.pairs.has(pair) && !known.pairs.has(pair)).length >= PARAPHRASE_PAIRS
  )
}
