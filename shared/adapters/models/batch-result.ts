import type { Failure } from '#shared/domain/failure.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { BatchLine, BatchResult } from '#shared/ports/batch-provider.ts'
import { failureOfVendor } from './provider-failure.ts'
import { type Arrival, billOf, type CallFrame, stopFailure } from './settle-reply.ts'

/** What a provider's reply to one request comes to; its shape is checked where it is used, by whoever asked. */
export function resultOf(customId: string, arrival: Arrival, frame: CallFrame): BatchResult {
  const { usage, costUsd } = billOf(arrival, frame)
  const failure = stopFailure(arrival, frame)?.failure
  if (failure) return { kind: 'failed', customId, failure, usage, costUsd }
  return { kind: 'reply', customId, text: arrival.text, usage, costUsd }
}

/** An error in place of a reply, by the same table as errors of synchronous calls; errors are not billed. */
export function errorResult(
  customId: string,
  status: number | undefined,
  code: string | undefined,
  message: string,
): BatchResult {
  const { failure } = failureOfVendor({ status, code, message, retryAfterMs: undefined }, undefined)
  return failedResult(customId, failure)
}

export const failedResult = (customId: string, failure: Failure): BatchResult => ({
  kind: 'failed',
  customId,
  failure,
  usage: NO_USAGE,
  costUsd: 0,
})

/**
 * For bodies that stream. `fetch` otherwise keeps all of a body that it has sent, in case a redirect or a login dialogue makes it send
 * the body again (the Fetch standard clones the request): 200 MB for a file of 200 MB. Neither can happen then.
 */
export const SENT_ONCE = { redirect: 'error', window: null } as const

const PIECE_CHARACTERS = 65_536

/** Small texts joined to pieces of about 64 KB: a piece costs a turn of the event loop on its way to the socket. */
export async function* inPieces(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  let piece = ''
  for await (const text of texts) {
    piece += text
    if (piece.length < PIECE_CHARACTERS) continue
    yield encoder.encode(piece)
    piece = ''
  }
  if (piece !== '') yield encoder.encode(piece)
}

/** Maps lines one by one; `before` tells whether it is the first. */
export async function* eachLine(lines: AsyncIterable<BatchLine>, toText: (line: BatchLine, first: boolean) => string) {
  let first = true
  for await (const line of lines) {
    yield toText(line, first)
    first = false
  }
}
