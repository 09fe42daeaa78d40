import { classOf, namesOf } from './pii-gazetteer.ts'

/** A word, a number, or a single mark, in UTF-16 units, end exclusive. */
export type TaggedToken = { readonly text: string; readonly start: number; readonly end: number; readonly afterBreak: boolean }

const TOKEN = /[\p{L}\p{M}]+|\p{N}+|[^\s\p{L}\p{M}\p{N}]/gu

export function tokensOf(text: string): TaggedToken[] {
  const tokens: TaggedToken[] = []
  let last = 0
  for (const match of text.matchAll(TOKEN)) {
    const start = match.index
    tokens.push({ text: match[0], start, end: start + match[0].length, afterBreak: text.slice(last, start).includes('\n') })
    last = start + match[0].length
  }
  return tokens
}

/** `Xx` for a name, `XX` for a code, `d4` for a year: what a word looks like without saying which it is. */
export function shapeOf(word: string): string {
  if (/^\p{N}/u.test(word)) return `d${Math.min(word.length, 9)}`
  if (!/^[\p{L}\p{M}]/u.test(word)) return word
  const size = word.length === 1 ? '1' : ''
  if (word === word.toLowerCase()) return word === word.toUpperCase() ? `other${size}` : `x${size}`
  if (word === word.toUpperCase()) return `XX${size}`
  return /^\p{Lu}[\p{Ll}\p{M}]+$/u.test(word) ? 'Xx' : 'xX'
}

/** FNV-1a, 32 bits, signed. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash | 0
}

const STREET_ENDING =
  /(?:stra(?:ß|ss)e|str|weg|gasse|platz|allee|vej|vænget|gade|gatan|vägen|veien|gata|katu|tie|straat|laan|plein|utca|stien|dijk|steig|ufer|damm)$/u
const JOB_ENDING =
  /(?:manager|engineer|ician|ologist|ographer|analyst|operator|keeper|maker|worker|worker|ist|grapher|smith|attendant|clerk)$/u

export function kindOf(word: string): string {
  const known = classOf(word)
  if (known !== '' && known !== 'common') return known
  if (word.length > 5 && STREET_ENDING.test(word)) return 'streetish'
  if (word.length > 5 && JOB_ENDING.test(word)) return 'jobbish'
  if (known === '' && /^\p{L}{2,}$/u.test(word)) return 'rare'
  return known
}

/** What of a token is used by its neighbours' features too, as hashes; computed once a token. */
export type Look = {
  readonly text: string
  readonly shape: string
  readonly kind: string
  readonly wordHash: number
  readonly shapeHash: number
  readonly kindHash: number
  /** Which lists of names hold the word: bits of `namesOf`. */
  readonly names: number
  readonly gluedToNext: boolean
  readonly isCapital: boolean
}
export const PAD: Look = {
  text: '',
  shape: '',
  kind: '',
  wordHash: 0,
  shapeHash: 0,
  kindHash: 0,
  names: 0,
  gluedToNext: false,
  isCapital: false,
}

export function looksOf(tokens: readonly TaggedToken[]): Look[] {
  return tokens.map(({ text, end }, at) => {
    const word = text.toLowerCase()
    const shape = shapeOf(text)
    const kind = kindOf(word)
    return {
      text: word,
      shape,
      kind,
      wordHash: hashOf(word),
      shapeHash: hashOf(shape),
      kindHash: hashOf(kind),
      names: namesOf(word),
      gluedToNext: tokens[at + 1]?.start === end,
      isCapital: shape.charCodeAt(0) === 88 || shape === 'xX' || shape.startsWith('other'),
    }
  })
}

/** Where a row of capitalised words begins and ends (end exclusive): "Bank of Leeds" is one, with the small words between. */
export type Run = { readonly from: number; readonly to: number }

const LINK = new Set([
  'of',
  'de',
  'del',
  'della',
  'di',
  'da',
  'do',
  'dos',
  'das',
  'du',
  'la',
  'le',
  'van',
  'von',
  'der',
  'den',
  'and',
  '&',
  '-',
  "'",
  '’',
  '.',
])
/** Longer rows are headlines. */
const LONGEST_RUN = 12

export function runsOf(tokens: readonly TaggedToken[], looks: readonly Look[]): (Run | undefined)[] {
  const runs: (Run | undefined)[] = Array(tokens.length).fill(undefined)
  for (let at = 0; at < tokens.length; ) {
    if (!looks[at]!.isCapital) {
      at++
      continue
    }
    let to = at + 1
    while (to < tokens.length && to - at < LONGEST_RUN && !tokens[to]!.afterBreak) {
      if (looks[to]!.isCapital) {
        to++
        continue
      }
      const next = behindLinks(tokens, looks, to)
      if (next === undefined) break
      to = next + 1
    }
    const run = { from: at, to }
    runs.fill(run, at, to)
    at = to
  }
  return runs
}

/** "de la", "of", a hyphen: the capitalised word behind them, or nothing. A full stop joins only behind an initial or a title. */
function behindLinks(tokens: readonly TaggedToken[], looks: readonly Look[], at: number): number | undefined {
  if (looks[at]!.text === '.' && looks[at - 1]!.text.length > 1 && looks[at - 1]!.kind !== 'title') return undefined
  for (let next = at; next < at + 3 && next < tokens.length && !tokens[next]!.afterBreak; next++) {
    if (looks[next]!.isCapital) return next
    if (!LINK.has(looks[next]!.text)) return undefined
  }
  return undefined
}
