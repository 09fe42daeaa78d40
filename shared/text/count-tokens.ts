import { countTokens as countO200k } from 'gpt-tokenizer/encoding/o200k_base'

/** The encoder needs quadratic time on one repeated character; a run this long is not language, and counts as this long. */
const MAX_RUN = 128

/** Tokens of the o200k_base encoding: exact for OpenAI's models, a fair estimate for others. */
export function countTokens(text: string): number {
  // No special tokens: a document that spells <|endoftext|> is text like any other.
  return countO200k(shortenRuns(text), { disallowedSpecial: new Set() })
}

function shortenRuns(text: string): string {
  let kept = ''
  let from = 0
  for (let at = 0; at < text.length; ) {
    let end = at + 1
    while (end < text.length && text.charCodeAt(end) === text.charCodeAt(at)) end++
    if (end - at > MAX_RUN) {
      kept += text.slice(from, at + MAX_RUN)
      from = end
    }
    at = end
  }
  return from === 0 ? text : kept + text.slice(from)
}
