/** A rule of thumb (four characters a token), not any provider's tokenizer: good enough to be counted twice and compared. */
export const estimateTokens = (text: string): number => Math.ceil(text.length / 4)

/** The text in pieces of about a token, as a stream would carry it; never between two halves of a character. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = []
  let start = 0
  while (start < text.length) {
    let end = Math.min(start + 4, text.length)
    if (/[\uD800-\uDBFF]/.test(text[end - 1]!)) end++
    pieces.push(text.slice(start, end))
    start = end
  }
  return pieces
}
