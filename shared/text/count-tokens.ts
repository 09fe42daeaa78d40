import { createRequire } from 'node:module'

type Encoder = typeof import('gpt-tokenizer/encoding/o200k_base')
const load = createRequire(import.meta.url)
let encoder: Encoder | undefined
/** Its tables take some 60 MB and 0.1 s: they are loaded with the first text, for a process that counts nothing needs none of them. */
const loaded = (): Encoder => {
  encoder ??= load('gpt-tokenizer/encoding/o200k_base') as Encoder
  return encoder
}

/**
 * The encoder needs quadratic time on a run without a word boundary. Nothing that people write holds one longer than this;
 * longer ones are counted piece by piece.
 */
const MAX_RUN = 128

/** Tokens of the o200k_base encoding: exact for OpenAI's models, a fair estimate for others. Linear in the length of the text. */
export function countTokens(text: string): number {
  let tokens = 0
  let from = 0
  let runStart = 0
  let runIsSpace = false
  for (let at = 0; at < text.length; at++) {
    const isSpace = text.charCodeAt(at) <= 0x20
    if (isSpace !== runIsSpace) {
      runStart = at
      runIsSpace = isSpace
    } else if (at - runStart === MAX_RUN) {
      tokens += count(text.slice(from, at))
      from = at
      runStart = at
    }
  }
  return tokens + count(text.slice(from))
}

// No special tokens: a document that spells <|endoftext|> is text like any other.
const count = (text: string): number => (text === '' ? 0 : loaded().countTokens(text, { disallowedSpecial: new Set() }))
