import * as z from 'zod'
import type { StreamedEvent } from '#shared/domain/event.ts'
import { countTokens } from '#shared/text/count-tokens.ts'
import { CHAT_MODEL } from './chat-request.ts'

const Answer = z.looseObject({
  text: z.string(),
  citations: z.array(z.unknown()),
  confidence: z.number(),
  followUps: z.array(z.string()),
})
const Token = z.object({ text: z.string() })

/** Said where no answer came; a hand-over's event may bring words of its own, in the customer's language. */
const INSTEAD: Readonly<Record<string, string>> = {
  escalated: 'I don’t have reliable information on that. I have passed your message on to a colleague, who will get back to you.',
  closed: 'This conversation was closed without an answer.',
  cancelled: 'This request was cancelled.',
  dead: 'Something went wrong on our side, so there is no answer to this message. Please try again later.',
}
/** Deltas cannot be taken back in this protocol, so a text that turned out otherwise is followed by this and the right one. */
const CORRECTION = '\n\n— Please disregard the text above. The checked answer is: —\n\n'

export type ChatEnd = {
  /** `answered`, or what came of it instead. */
  readonly status: string
  readonly citations: readonly unknown[]
  readonly verdict: unknown
  readonly confidence: number | null
  readonly followUps: readonly string[]
  readonly escalation: { readonly reason: string; readonly severity: string } | null
  /** The reply did not fit `max_tokens`. */
  readonly cut: boolean
  /** The whole reply, as it was sent. */
  readonly text: string
}

/**
 * Turns the events of a ticket into the text of a chat reply. Text is passed on as it is released; with the answer it is made
 * whole, whatever the stream has lost; an end without an answer is put in words.
 * @param streamed false where nobody reads along: then nothing is said before the end, and nothing has to be corrected
 */
export function createChatReply(maxTokens: number | undefined, streamed = true) {
  let text = ''
  let released = ''
  let verdict: unknown = null
  let answer: z.infer<typeof Answer> | undefined
  let escalation: ChatEnd['escalation'] = null
  let tokensLeft = maxTokens ?? Number.POSITIVE_INFINITY
  let cut = false
  let voided = false

  /** @returns as much of the piece as `max_tokens` allows, in whole words */
  const emit = (piece: string): string => {
    if (cut || piece === '') return ''
    let kept = piece
    if (Number.isFinite(tokensLeft)) {
      kept = firstTokens(piece, tokensLeft)
      tokensLeft -= countTokens(kept)
      cut = kept.length < piece.length
    }
    text += kept
    return kept
  }
  const finish = (whole: string): string => {
    if (whole.startsWith(released)) return emit(whole.slice(released.length))
    return emit(`${CORRECTION}${whole}`)
  }
  let ended: string | undefined

  return {
    /** @returns text for the client; `end()` tells when it was the last */
    take({ event, data }: StreamedEvent): string {
      if (event === 'token') {
        const piece = Token.safeParse(data).data?.text ?? ''
        // After a correction was begun in silence, only the answer itself may speak.
        if (voided || !streamed) return ''
        released += piece
        return emit(piece)
      }
      if (event === 'restart') voided = released !== ''
      if (event === 'verdict') verdict = data
      if (event === 'answer') {
        answer = Answer.safeParse(data).data
        if (answer) return finish(answer.text)
      }
      if (event === 'escalated') return handOver(data)
      if (event === 'done') return close(String(data['status']))
      return ''
    },
    ended: () => ended !== undefined,
    end: (): ChatEnd => ({
      status: ended ?? 'processing',
      citations: answer?.citations ?? [],
      verdict,
      confidence: answer?.confidence ?? null,
      followUps: answer?.followUps ?? [],
      escalation,
      cut,
      text,
    }),
  }

  function handOver(data: Readonly<Record<string, unknown>>): string {
    escalation = { reason: String(data['reason']), severity: String(data['severity']) }
    ended = 'escalated'
    const said = typeof data['message'] === 'string' ? data['message'] : INSTEAD['escalated']!
    return emit(text === '' ? said : `\n\n— Please disregard the text above. —\n\n${said}`)
  }
  function close(status: string): string {
    ended = status
    return status === 'answered' ? '' : emit(text === '' ? (INSTEAD[status] ?? INSTEAD['dead']!) : '')
  }
}
function firstTokens(text: string, limit: number): string {
  if (limit <= 0) return ''
  if (text.length <= limit || countTokens(text) <= limit) return text
  const words = text.split(/(?<=\s)/)
  let low = 0
  let high = words.length
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (countTokens(words.slice(0, middle).join('').trimEnd()) <= limit) low = middle
    else high = middle - 1
  }
  return words.slice(0, low).join('').trimEnd()
}

/** Of what the client sent and got, by OpenAI's own encoding. What the providers were paid for stands under `answerline.usage`. */
export function chatUsage(sentText: string, replyText: string) {
  const promptTokens = countOf(sentText)
  const completionTokens = countOf(replyText)
  return { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: promptTokens + completionTokens }
}

/** Counting is linear but not free; of a history of a megabyte the rest is estimated. */
const COUNTED_CHARACTERS = 40_000
const countOf = (text: string) =>
  countTokens(text.slice(0, COUNTED_CHARACTERS)) + Math.ceil(Math.max(0, text.length - COUNTED_CHARACTERS) / 4)

export const chatHead = (ticketId: string, createdAt: Date, kind: 'chat.completion' | 'chat.completion.chunk') => ({
  id: `chatcmpl-${ticketId}`,
  object: kind,
  created: Math.floor(createdAt.getTime() / 1_000),
  model: CHAT_MODEL,
})
