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

const PAD: TaggedToken = { text: '', start: 0, end: 0, afterBreak: true }

/** What a token says about its tag whatever stands before it; `rules` holds what the patterns found there, or ''. */
export function tokenFeatures(tokens: readonly TaggedToken[], rules: readonly string[], at: number): number[] {
  const near = (offset: number) => tokens[at + offset] ?? PAD
  const word = (offset: number) => near(offset).text.toLowerCase()
  const shape = (offset: number) => shapeOf(near(offset).text)
  const [here, before, after] = [word(0), word(-1), word(1)]
  const glued = `${near(-1).end === near(0).start ? 1 : 0}${near(0).end === near(1).start ? 1 : 0}`
  const names = [
    `w ${here}`,
    `b ${before}`,
    `a ${after}`,
    `bb ${word(-2)}`,
    `aa ${word(2)}`,
    `bbb ${word(-3)}`,
    `bw ${before} ${here}`,
    `wa ${here} ${after}`,
    `bbw ${word(-2)} ${before}`,
    `aaw ${after} ${word(2)}`,
    `s ${shape(0)}`,
    `sb ${shape(-1)} ${shape(0)}`,
    `sa ${shape(0)} ${shape(1)}`,
    `sba ${shape(-1)} ${shape(0)} ${shape(1)}`,
    `sbb ${shape(-2)} ${shape(-1)} ${shape(0)}`,
    `saa ${shape(0)} ${shape(1)} ${shape(2)}`,
    `bs ${before} ${shape(0)}`,
    `as ${after} ${shape(0)}`,
    `g ${glued} ${shape(0)}`,
    `r ${rules[at] ?? ''} ${rules[at - 1] === rules[at] ? 'i' : 'b'}`,
    `rb ${rules[at - 1] ?? ''}`,
    `ra ${rules[at + 1] ?? ''}`,
    ...(near(0).afterBreak || at === 0 ? [`first ${shape(0)}`] : []),
  ]
  if (/^[\p{L}\p{M}]{3,}$/u.test(here))
    names.push(
      `p3 ${here.slice(0, 3)}`,
      `u2 ${here.slice(-2)} ${shape(0)}`,
      `u3 ${here.slice(-3)}`,
      `u4 ${here.slice(-4)} ${shape(0)}`,
    )
  return names.map(hashOf)
}

/** What the tags before it add. */
export const historyFeatures = (tokens: readonly TaggedToken[], at: number, last: string, beforeLast: string): number[] =>
  [
    `t ${last}`,
    `tt ${beforeLast} ${last}`,
    `tw ${last} ${tokens[at]!.text.toLowerCase()}`,
    `ts ${last} ${shapeOf(tokens[at]!.text)}`,
    `tb ${last} ${tokens[at - 1]?.text.toLowerCase() ?? ''}`,
  ].map(hashOf)
