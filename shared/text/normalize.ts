/**
 * Two readings of a text. `normalizeText` is what people and models see: the same words, without what hides or rearranges them.
 * `foldForMatching` is only ever compared with patterns: it undoes disguises and is not meant to be read.
 *
 * What `normalizeText` loses, on purpose: characters of compatibility alphabets become plain ones (full-width, mathematical and
 * circled letters, ligatures, odd spaces), invisible and direction-changing characters go (so a tag-sequence flag such as that of
 * Wales turns into a black flag), and more than four marks on one letter are cut. It keeps case, accents, newlines, superscripts,
 * fractions, circled numbers and trade marks, because NFKC would change what they say ("5 m²" is not "5 m2", "1½" is not "11/2").
 * Both run in linear time: every pattern here is a character class or has disjoint neighbours.
 */

/** Compatibility characters whose NFKC form says the same; replaced one by one, so nothing else is touched. */
const COMPATIBLE =
  /[\u00a0\u2000-\u200a\u202f\u205f\u3000\u2102\u210a-\u2115\u2119-\u211d\u2124\u2128\u212a-\u2131\u2133-\u2134\u24b6-\u24e9\ufb00-\ufb06\uff01-\uff9f\uffa1-\uffef\u{1d400}-\u{1d7ff}\u{1f110}-\u{1f12b}\u{1f130}-\u{1f149}]/gu

/** Controls except tab and newline, fillers that look like nothing, joiners of no use, bidi controls, tags, unusual variation selectors. */
const INVISIBLE =
  /[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u061c\u115f\u1160\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb]|\u034f|[\u17b4\u17b5]|[\u180b-\u180f]|[\ufe00-\ufe0e]|[\u{e0000}-\u{e0fff}]/gu

const LINE_BREAK = /\r\n?|[\u000b\u000c\u0085\u2028\u2029]/g

/** Joiners that spell something: inside emoji sequences, and between letters of scripts that join or stack. */
const JOINER = /[\u200c\u200d]/g
const EMOJI_BEFORE = /(?:\p{Extended_Pictographic}|\ufe0f|[\u{1f3fb}-\u{1f3ff}])$/u
const JOINING_SCRIPT =
  /[\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}\p{Script=Gujarati}\p{Script=Oriya}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}\p{Script=Khmer}\p{Script=Mongolian}]$/u

const MARK_STACK = /(\p{M}{4})\p{M}+/gu

/** Nothing of what `normalizeText` looks for is among these. */
const PLAIN = /^[\t\n\x20-\x7e]*$/

/** The text as it is shown, stored and given to models: well-formed, NFC, without hidden characters, trimmed. */
export function normalizeText(text: string): string {
  if (PLAIN.test(text)) return text.trim()
  return text
    .toWellFormed()
    .replace(LINE_BREAK, '\n')
    .replace(INVISIBLE, '')
    .replace(JOINER, (joiner, at: number, whole: string) => (joins(whole, at) ? joiner : ''))
    .replace(COMPATIBLE, (character) => character.normalize('NFKC'))
    .normalize('NFC')
    .replace(MARK_STACK, '$1')
    .trim()
}

function joins(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 2), at)
  return EMOJI_BEFORE.test(before) || JOINING_SCRIPT.test(before)
}

/** Letters of other scripts that pass for Latin ones; after lower-casing and removal of marks. */
const HOMOGLYPHS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: 'аαɑ',
    b: 'ьβƅ',
    c: 'сϲⅽᴄ',
    d: 'ԁɗⅾ',
    e: 'еєҽεɛ',
    f: 'ƒ',
    g: 'ɡց',
    h: 'һհн',
    i: 'іιıɩӏ',
    j: 'јϳ',
    k: 'кκ',
    l: 'ⅼǀł',
    m: 'мⅿ',
    n: 'ηпռ',
    o: 'оοօσøᴏ',
    p: 'рρ',
    q: 'ԛգ',
    r: 'гᴦ',
    s: 'ѕꜱ',
    t: 'тτ',
    u: 'υսᴜ',
    v: 'ѵνᴠ',
    w: 'ѡԝωᴡ',
    x: 'хχⅹ',
    y: 'уγү',
    z: 'ᴢ',
    ss: 'ß',
    ae: 'æ',
    oe: 'œ',
  }).flatMap(([ascii, lookalikes]) => [...lookalikes].map((lookalike) => [lookalike, ascii] as const)),
)

const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '@': 'a',
  $: 's',
}

const WORD = /[\p{L}\p{N}@$]+/gu
/** Of plain words only those that may be leetspeak; each is looked at once, from its beginning. */
const PLAIN_WORD = /(?<![a-z0-9@$])[a-z]*[0-9@$][a-z0-9@$]*/g
const ASCII = /^[\x00-\x7f]*$/
const MIXED = /[a-z][013457@$]|[013457@$][a-z]/
/** `i g n o r e   a l l`, `i-g-n-o-r-e`, `i.g.n.o.r.e`: single characters with one separator between, wider gaps between words. */
const SPACED_LETTERS = /(?<![\p{L}\p{N}])[\p{L}\p{N}](?:(?:[ .*_-]| {2,4})[\p{L}\p{N}])+(?![\p{L}\p{N}])/gu
const MIN_SPACED_LETTERS = 4
/** Emphasis inside a word: `ig**no**re`. */
const EMPHASIS = /(?<=\p{L})[*_~`]{1,3}(?=\p{L})/gu

/**
 * The text for matching with patterns only: lower-case, without accents, look-alike letters and leetspeak as ASCII, spaced
 * letters joined, whitespace collapsed. A word is changed to ASCII only when all of it can be, so real Cyrillic or Greek words stay.
 * Loses the difference of "1" and "i" inside words, word borders inside spaced-out text, and all layout.
 */
export function foldForMatching(text: string): string {
  const normal = normalizeText(text)
  const isPlain = ASCII.test(normal)
  return (isPlain ? normal.toLowerCase() : withoutMarks(normal))
    .replace(EMPHASIS, '')
    .replace(SPACED_LETTERS, joinLetters)
    .replace(isPlain ? PLAIN_WORD : WORD, (word, at: number, whole: string) => foldWord(word, whole[at + word.length]))
    .replace(/\s+/g, ' ')
    .trim()
}

const withoutMarks = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/\p{M}/gu, '')

function joinLetters(run: string): string {
  const words = run.split(/ {2,}/).map((word) => word.replace(/[ .*_-]/g, ''))
  return words.join('').length < MIN_SPACED_LETTERS ? run : words.join(' ')
}

function foldWord(word: string, next: string | undefined): string {
  const latin = ASCII.test(word) ? word : [...word].map((character) => HOMOGLYPHS.get(character) ?? character).join('')
  if (!ASCII.test(latin)) return word
  // An address keeps its @: rules about sending data somewhere look for it.
  if (!MIXED.test(latin) || (next === '.' && latin.includes('@'))) return latin
  return latin.replace(/11/g, 'll').replace(/[0134578@$]/g, (character) => LEET[character] ?? character)
}
