const NEWLINE = 10

export type Line =
  | { readonly number: number; readonly bytes: Buffer }
  /** Longer than a line may be: it was read past and not kept. */
  | { readonly number: number; readonly tooLong: true }

/** Thrown by `linesOf` when the whole is larger than it may be. */
export class TooMuch extends Error {
  override readonly name = 'TooMuch'
}

/**
 * Lines of a byte stream as they arrive; blank ones are skipped but counted, numbers begin at 1. Memory is one line and one
 * chunk, whatever comes: a line that grows past `maxLineBytes` is dropped as it flows by.
 * @throws TooMuch past `maxBytes`
 */
export async function* linesOf(
  source: AsyncIterable<Buffer>,
  { maxLineBytes, maxBytes }: { readonly maxLineBytes: number; readonly maxBytes: number },
): AsyncGenerator<Line, void> {
  let number = 1
  let total = 0
  let parts: Buffer[] = []
  let length = 0
  const take = (piece: Buffer) => {
    length += piece.length
    if (length > maxLineBytes) parts = []
    else if (piece.length > 0) parts.push(piece)
  }
  const finish = (): Line | undefined => {
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    const line: Line = length > maxLineBytes ? { number, tooLong: true } : { number, bytes }
    const blank = length === 0 || (length <= maxLineBytes && isBlank(bytes))
    number++
    parts = []
    length = 0
    return blank ? undefined : line
  }
  for await (const chunk of source) {
    total += chunk.length
    if (total > maxBytes) throw new TooMuch(`more than ${maxBytes} bytes`)
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end))
      start = end + 1
      const line = finish()
      if (line) yield line
    }
    take(chunk.subarray(start))
  }
  const last = finish()
  if (last) yield last
}

const isBlank = (bytes: Buffer) => bytes.every((byte) => byte === 32 || byte === 9 || byte === 13)
