import { stem } from './stem.ts'
import { isStopWord } from './stop-words.ts'

const MAX_TOKEN_CHARACTERS = 64

/** A run of letters, marks and digits, joined by single `-`, `_`, `.` or apostrophes: each character is looked at once. */
const WORD = /[\p{L}\p{N}\p{M}]+(?:[-_.'’][\p{L}\p{N}\p{M}]+)*/gu
/** Scripts that put no space between words: overlapping pairs of characters stand in for words there. */
const UNSPACED = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}ー]+$/u
const PLAIN = /^(?:[A-Z]?[a-z]+|[A-Z]+)$/
const APOSTROPHE = /['’](?:s(?![\p{L}\p{N}]))?/gu
const PARTS = /[a-z]+|[0-9]+/g
const CAMEL = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+/g

/**
 * The words of a text, in order: lower case, without accents. A compound such as `LK-204`, `E_404`, `v2.1` or
 * `Set-MailboxFolder` is given whole and then in its parts; so are `LK204` and `camelCase`. Chinese, Japanese and Thai come as
 * pairs of characters. Tokens are cut at 64 characters. Linear in the length of the text.
 */
export function tokenize(text: string): string[] {
  const tokens: string[] = []
  for (const word of text.normalize('NFKC').match(WORD) ?? []) addWord(word, tokens)
  return tokens
}

/** The stems of words that carry meaning: `tokenize` without stop words, lightly stemmed. Both sides of a search use it. */
export const contentTerms = (text: string, language?: string): string[] => contentOf(tokenize(text), language)

/** The same from words that are already there. */
export function contentOf(tokens: readonly string[], language?: string): string[] {
  const terms: string[] = []
  for (const token of tokens) {
    const term = language === undefined ? meaningOf(token) : isStopWord(token, language) ? '' : stem(token)
    if (term !== '') terms.push(term)
  }
  return terms
}

/** What most texts are made of, looked up instead of worked out; emptied when it is full. */
const meanings = new Map<string, string>()
const MAX_MEANINGS = 20_000
/** Longer ones are rare, and V8 keeps the whole text for a piece of so many characters. */
const MAX_MEANT_CHARACTERS = 12

/** The stem of a word, empty for a stop word. */
function meaningOf(token: string): string {
  const known = meanings.get(token)
  if (known !== undefined) return known
  const term = isStopWord(token) ? '' : stem(token)
  if (token.length > MAX_MEANT_CHARACTERS) return term
  if (meanings.size === MAX_MEANINGS) meanings.clear()
  meanings.set(token, term)
  return term
}

/** True of product ids, error codes and versions (`lk-204`, `0x80070005`, `e_404`, `v2.1`): letters and digits in one token, or a joined code. */
export const isIdentifier = (token: string): boolean =>
  token.length >= 3 && /\d/.test(token) && /[\p{L}_.-]/u.test(token) && !/^\d+(?:[.-]\d{1,2})?$/.test(token)

function addWord(raw: string, tokens: string[]): void {
  if (PLAIN.test(raw)) {
    tokens.push(raw.toLowerCase().slice(0, MAX_TOKEN_CHARACTERS))
    return
  }
  if (UNSPACED.test(raw)) {
    addPairs(raw, tokens)
    return
  }
  const bare = raw.slice(0, 4 * MAX_TOKEN_CHARACTERS).replace(APOSTROPHE, '')
  const whole = fold(bare)
  if (whole.length > 0 && whole.length <= MAX_TOKEN_CHARACTERS) tokens.push(whole)
  for (const segment of bare.split(/[-_.]/)) {
    const part = fold(segment).slice(0, MAX_TOKEN_CHARACTERS)
    if (part.length > 0 && part !== whole) tokens.push(part)
    for (const piece of piecesOf(segment)) if (piece !== part && piece.length > 1) tokens.push(piece)
  }
}

/** `MailboxFolder` -> mailbox, folder; `LK204` -> lk, 204. Hexadecimal and other dense codes stay whole. */
function piecesOf(segment: string): string[] {
  if (!/^[A-Za-z0-9]{3,40}$/.test(segment) || /^0x/i.test(segment)) return []
  const pieces = /[a-z][A-Z]|[A-Z]{2}[a-z]{2}/.test(segment) ? segment.match(CAMEL) : segment.toLowerCase().match(PARTS)
  return pieces === null || pieces.length < 2 || pieces.length > 4 ? [] : pieces.map((piece) => piece.toLowerCase())
}

function addPairs(run: string, tokens: string[]): void {
  const characters = [...run]
  if (characters.length === 1) tokens.push(run)
  for (let i = 0; i + 1 < characters.length; i++) tokens.push(characters[i]! + characters[i + 1]!)
}

const fold = (word: string): string => word.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
