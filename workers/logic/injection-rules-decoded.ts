export type DecodedPiece = { encoding: string; text: string; hidden: boolean }

const MAX_PIECES = 16
const MAX_PIECE_CHARACTERS = 4_000
/** Payloads are sometimes encoded twice; more often than that nobody's model follows. */
const MAX_DEPTH = 2

/** 4 or more letters and mostly printable: gibberish from decoding an ordinary word or number is not looked at. */
function readable(text: string): boolean {
  const letters = text.match(/\p{L}/gu)?.length ?? 0
  const odd = text.match(/[\u0000-\u0008\u000e-\u001f\u007f-\u009f\ufffd]/g)?.length ?? 0
  return letters >= 4 && odd <= text.length * 0.05
}

/** The look-behind changes nothing that is found: it keeps short words from being tried again from each of their letters. */
const BASE64 = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}/g
const HEX = /(?<![0-9A-Za-z])(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ ,:]?){10,}(?![0-9A-Za-z])/g
const BINARY = /(?<![01])(?:[01]{8}[ ,]?){6,}/g
const URL_ENCODED = /(?:%[0-9a-fA-F]{2}){1,}/g
const ENTITY = /&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));/g
const UNICODE_ESCAPE = /\\u([0-9a-fA-F]{4})/g
const TAG_CHARACTERS = /[\u{e0020}-\u{e007e}]+/gu
/** England, Scotland and Wales spell their flags in tag characters. */
const TAG_FLAG = /\u{1f3f4}[\u{e0020}-\u{e007e}]{1,7}\u{e007f}/gu

const bytes = (runs: Iterable<string>, radix: number) =>
  Buffer.from([...runs].map((digits) => Number.parseInt(digits, radix))).toString('utf8')

/** the, you, your, and, ignore, system, prompt, instructions, previous … after rot13: no word of any language. */
const ROTATED = /\b(?:gur|lbh|lbhe|vtaber|flfgrz|cebzcgf?|vafgehpgvbaf?|cerivbhf|sbetrg|erirny)\b/i

/** What a text says once encodings are undone: bounded in number, size and depth. `hidden`: people do not write like that. */
export function decodedPieces(raw: string, depth = 1): DecodedPiece[] {
  const found: DecodedPiece[] = []
  const add = (encoding: string, text: string, hidden = true) => {
    if (found.length < MAX_PIECES && text && readable(text))
      found.push({ encoding, text: text.slice(0, MAX_PIECE_CHARACTERS), hidden })
  }
  const tags = raw.replace(TAG_FLAG, '').match(TAG_CHARACTERS)
  if (tags) add('tags', [...tags.join('')].map((tag) => String.fromCodePoint(tag.codePointAt(0)! - 0xe0000)).join(''))
  if (/[\u202d\u202e]/.test(raw)) add('bidi', [...raw].reverse().join(''))
  for (const run of runs(raw, BASE64)) add('base64', Buffer.from(run, 'base64').toString('utf8'))
  for (const run of runs(raw, HEX)) add('hex', bytes(run.replace(/0x|\\x/g, '').match(/[0-9a-fA-F]{2}/g) ?? [], 16))
  for (const run of runs(raw, BINARY)) add('binary', bytes(run.match(/[01]{8}/g) ?? [], 2))
  const whole = decodeWhole(raw)
  if (whole !== raw) add('escapes', whole, false)
  if (depth === 1 && ROTATED.test(raw)) add('rot13', rotate13(raw))
  if (depth < MAX_DEPTH)
    for (const piece of [...found]) if (piece.encoding !== 'rot13') found.push(...decodedPieces(piece.text, depth + 1))
  return found.slice(0, MAX_PIECES)
}

function runs(text: string, pattern: RegExp): string[] {
  const first: string[] = []
  for (const match of text.matchAll(pattern)) if (first.push(match[0].slice(0, MAX_PIECE_CHARACTERS)) >= MAX_PIECES) break
  return first
}

/** Percent, entity and \u escapes replaced where they stand, so that half-encoded sentences are read whole. */
function decodeWhole(text: string): string {
  return text
    .replace(URL_ENCODED, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
    .replace(ENTITY, (entity, hex?: string, decimal?: string) => {
      const code = hex ? Number.parseInt(hex, 16) : Number(decimal)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : entity
    })
    .replace(UNICODE_ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .toWellFormed()
}

const rotate13 = (text: string) =>
  text.replace(/[a-z]/gi, (letter) => {
    const base = letter <= 'Z' ? 65 : 97
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base)
  })
