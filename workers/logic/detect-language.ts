import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

type Detector = typeof import('eld/small')
const load = createRequire(import.meta.url)
let detector: Detector | undefined
/** Loaded with the first message: of the processes, those that read none (the batch worker, the API) do without its memory. */
const loaded = (): Detector => {
  detector ??= load(fileURLToPath(import.meta.resolve('eld/small'))) as Detector
  return detector
}

export type DetectedLanguage = { language: string; confidence: number }

/** Fewer letters than this say too little in an alphabet; one ideograph or syllable block says about as much as two or three letters. */
const MIN_LETTERS = 6
const MIN_IDEOGRAPHS = 3
/** With this many letters the n-gram scores speak for themselves; below, they are taken with a grain of salt. */
const ENOUGH_LETTERS = 24

/** What is the same in every language, and our own placeholders: noise for the detector. */
const NOISE = /\[[A-Z_]{1,24}_\d{1,6}\]|https?:\/\/\S+|(?<!\S)\S+@\S+|(?<![\p{L}\p{N}_-])[\p{L}_-]*\p{N}[\p{L}\p{N}_-]*/gu

/** Words that carry short English support messages, which n-grams take for Italian ("my password") or Danish ("refund"). */
const ENGLISH = new Set(
  (
    'a about account all am an and any app are at be been but by can cancel card change charge check could delete did do does down ' +
    'email error find fix for from get give had has have hello help hey hi how i if in invoice is issue it just know login lost make me ' +
    'my need new no not of on open or order out password pay payment phone please pls problem question reason refund reset return see send ' +
    'service set should sign so some still stop support tell thank thanks that the there this to track update use user want was we what when ' +
    'where which who why will with working would yes you your'
  ).split(' '),
)
const WORD = /\p{L}+(?:['’]\p{L}+)?/gu

const LATIN = /\p{Script=Latin}/u

const UNDETERMINED: DetectedLanguage = { language: 'und', confidence: 0 }

/**
 * The language of a message as ISO 639-1, or `und` when it is too short or unclear. `confidence` (0..1) orders results by how much
 * they can be trusted; it is not a probability. n-gram detection by ELD (github.com/nitotm/efficient-language-detector-js), `small`
 * database: about 45 MB of heap and 0.4 s with the first message, some 60 languages. Only the first 600 characters count (the library itself reads about 350 bytes).
 */
export function detectLanguage(text: string): DetectedLanguage {
  const words = text.slice(0, 1_500).replace(NOISE, ' ').slice(0, 600).match(WORD) ?? []
  const letters = words.join('').length
  const sample = words.join(' ')
  const ideographs = sample.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu)?.length ?? 0
  const english = words.filter((word) => ENGLISH.has(word.toLowerCase())).length / Math.max(1, words.length)

  const result = loaded().eld.detect(sample)
  const [first, second] = Object.values(result.getScores())
  const clear = letters >= MIN_LETTERS || ideographs >= MIN_IDEOGRAPHS
  if (!clear || !result.language || first === undefined)
    return english >= 0.5 ? { language: 'en', confidence: 0.5 } : UNDETERMINED

  const length = Math.min(1, letters / ENOUGH_LETTERS + ideographs / 6)
  const confidence = first * Math.min(1, 0.5 + 5 * (first - (second ?? 0))) * (0.5 + length / 2)
  if (result.language === 'en') return { language: 'en', confidence: Math.max(confidence, 0.9 * Math.min(1, english)) }
  // English words decide against another Latin-script language only when they are most of the message, or the message is short.
  if (english >= 0.5 || (english >= 0.3 && length < 1)) return { language: 'en', confidence: 0.5 }
  // Only the Latin alphabet is shared so widely that a few letters mislead; elsewhere the script itself is evidence.
  const doubtful = LATIN.test(sample) ? confidence < 0.4 || !result.isReliable() : confidence < 0.2
  return doubtful ? UNDETERMINED : { language: result.language, confidence }
}
