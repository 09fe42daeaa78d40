import { retryable } from '#shared/domain/failure.ts'

/** A reply of a model is far smaller; what is longer is no line of results, and is not kept in memory to find out. */
const MAX_LINE_BYTES = 16 * 1_048_576
const IDLE_MS = 60_000
const NEWLINE = 0x0a

/**
 * The lines of a response as they arrive; a line that is too long comes as undefined.
 * @throws `provider-stalled` (retryable) after a minute of silence, the abort reason, or what the connection throws
 */
export async function* resultLines(response: Response, signal: AbortSignal): AsyncGenerator<string | undefined> {
  if (!response.body) return
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let parts: Uint8Array[] = []
  let bytes = 0
  const line = (): string | undefined => {
    const text = bytes > MAX_LINE_BYTES ? undefined : decoder.decode(Buffer.concat(parts))
    parts = []
    bytes = 0
    return text
  }
  const keep = (piece: Uint8Array): void => {
    bytes += piece.length
    if (bytes <= MAX_LINE_BYTES) parts.push(piece)
    else parts = []
  }
  try {
    for (;;) {
      const { done, value } = await orSilence(reader.read(), signal)
      if (done) break
      let start = 0
      for (let end = value.indexOf(NEWLINE); end >= 0; end = value.indexOf(NEWLINE, start)) {
        keep(value.subarray(start, end))
        const text = line()
        if (text?.trim() !== '') yield text
        start = end + 1
      }
      keep(value.subarray(start))
    }
    const last = line()
    if (last?.trim() !== '') yield last
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function orSilence<T>(read: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(retryable('provider-stalled', `no result within ${IDLE_MS} ms`)), IDLE_MS)
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  return Promise.race([read, promise]).finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  })
}
