import { classOf } from './pii-gazetteer.ts'

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

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

/** What of a token is used by its neighbours' features too; computed once a token. */
export type Look = { readonly word: string; readonly shape: string; readonly kind: string; readonly gluedToNext: boolean }
const PAD: Look = { word: '', shape: '', kind: '', gluedToNext: false }

export function looksOf(tokens: readonly TaggedToken[]): Look[] {
  return tokens.map(({ text, end }, at) => {
    const word = text.toLowerCase()
    return { word, shape: shapeOf(text), kind: kindOf(word), gluedToNext: tokens[at + 1]?.start === end }
  })
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

/** The word before the colon that labels this place ("Phone:", also at the end of the line before), looked for a few tokens back. */
const LABEL_REACH = 8
function labelOf(tokens: readonly TaggedToken[], looks: readonly Look[], at: number): string {
  for (let back = 1; back <= LABEL_REACH && at - back >= 1; back++) {
    if (tokens[at - back]!.text === ':') return `${looks[at - back - 1]!.word} ${Math.min(back, 3)}`
    if (tokens[at - back + 1]!.afterBreak && back > 3) return ''
  }
  return ''
}

/**
 * What a token says about its tag whatever stands before it; `rules` holds what the patterns found there, or ''. The words around are
 * given apart: training leaves some of them out, so that the tagger does not only learn its texts by heart.
 */
export function tokenFeatures(
  tokens: readonly TaggedToken[],
  looks: readonly Look[],
  rules: readonly string[],
  at: number,
): { readonly plain: number[]; readonly lexical: number[] } {
  const near = (offset: number) => looks[at + offset] ?? PAD
  const word = (offset: number) => near(offset).word
  const shape = (offset: number) => near(offset).shape
  const kind = (offset: number) => near(offset).kind
  const [here, before, after] = [word(0), word(-1), word(1)]
  const glued = `${near(-1).gluedToNext ? 1 : 0}${near(0).gluedToNext ? 1 : 0}`
  const startsLine = tokens[at]!.afterBreak || at === 0
  const endsLine = tokens[at + 1]?.afterBreak ?? true
  const plain = [
    `s ${shape(0)}`,
    `sb ${shape(-1)} ${shape(0)}`,
    `sa ${shape(0)} ${shape(1)}`,
    `sba ${shape(-1)} ${shape(0)} ${shape(1)}`,
    `sbb ${shape(-2)} ${shape(-1)} ${shape(0)}`,
    `saa ${shape(0)} ${shape(1)} ${shape(2)}`,
    `g ${glued} ${shape(0)}`,
    `r ${rules[at] ?? ''} ${rules[at - 1] === rules[at] ? 'i' : 'b'}`,
    `rb ${rules[at - 1] ?? ''}`,
    `ra ${rules[at + 1] ?? ''}`,
    `k ${kind(0)} ${shape(0)}`,
    `kb ${kind(-1)} ${shape(0)}`,
    `ka ${kind(1)} ${shape(0)}`,
    `kk ${kind(-1)} ${kind(0)} ${shape(0)}`,
    `kx ${kind(0)} ${kind(1)} ${shape(0)}`,
    `kba ${kind(-1)} ${kind(0)} ${kind(1)}`,
    `kbb ${kind(-2)} ${kind(-1)} ${kind(0)} ${shape(0)}`,
    `kaa ${kind(0)} ${kind(1)} ${kind(2)} ${shape(0)}`,
    `line ${startsLine} ${endsLine} ${shape(0)} ${kind(0)}`,
  ]
  if (/^[\p{L}\p{M}]{3,}$/u.test(here))
    plain.push(`u2 ${here.slice(-2)} ${shape(0)}`, `u3 ${here.slice(-3)}`, `u3k ${here.slice(-3)} ${kind(0)}`)
  const lexical = [
    `w ${here}`,
    `b ${before}`,
    `a ${after}`,
    `bb ${word(-2)}`,
    `aa ${word(2)}`,
    `bw ${before} ${here}`,
    `wa ${here} ${after}`,
    `bbw ${word(-2)} ${before}`,
    `aaw ${after} ${word(2)}`,
    `bs ${before} ${shape(0)}`,
    `as ${after} ${shape(0)}`,
    `bk ${before} ${kind(0)} ${shape(0)}`,
    `ak ${after} ${kind(0)} ${shape(0)}`,
    `bbk ${word(-2)} ${kind(0)} ${shape(0)}`,
    `label ${labelOf(tokens, looks, at)} ${shape(0)}`,
  ]
  if (here.length > 4) lexical.push(`p3 ${here.slice(0, 3)}`, `u4 ${here.slice(-4)} ${shape(0)}`)
  return { plain: plain.map(hashOf), lexical: lexical.map(hashOf) }
}

/** What the tags before it add. */
export const historyFeatures = (looks: readonly Look[], at: number, last: string, beforeLast: string): number[] =>
  [
    `t ${last}`,
    `tt ${beforeLast} ${last}`,
    `tw ${last} ${looks[at]!.word}`,
    `ts ${last} ${looks[at]!.shape} ${looks[at]!.kind}`,
    `tk ${last} ${looks[at - 1]?.kind ?? ''} ${looks[at]!.kind} ${looks[at]!.shape}`,
    `ta ${last} ${looks[at]!.shape} ${looks[at + 1]?.shape ?? ''}`,
    `tb ${last} ${looks[at - 1]?.word ?? ''}`,
  ].map(hashOf)
