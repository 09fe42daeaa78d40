import { retryable } from '#shared/domain/failure.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Journal, JournalEntry } from '#shared/ports/journal.ts'
import type { Llm, LlmOptions, LlmReply, LlmRequest } from '#shared/ports/llm.ts'
import { createFailedCalls, type FailedCalls, journalHeadOf, orUnavailable } from './failed-calls.ts'
import { parseReply } from './settle-reply.ts'
import { type SharedCall, shareCall } from './shared-call.ts'

export type JournaledOptions = {
  readonly journal: Journal
  readonly clock: Clock
  /** The same object as below, where a fallback records the failures of its links; each is recorded once. */
  readonly failedCalls?: FailedCalls
}

/** Questions that this process has asked of late, so that none is asked twice by a step that repeats itself. */
const REMEMBERED = 5_000

type RawReply = Omit<LlmReply, 'value'>

/**
 * Answers a repeat from the journal and records every call before anything made of its reply is recorded, so that a crash
 * costs at most the calls of the step in flight. Identical calls at the same time share one. A step's first try on a run that has just come to it is not looked up: it
 * would be a round trip for an answer that is known. A replayed reply keeps the usage and cost of the call that was paid.
 * @throws `journal-unavailable` (retryable) when the journal does not answer: an unrecorded call would be paid twice
 */
export function createJournaledLlm(inner: Llm, { journal, clock, failedCalls }: JournaledOptions): Llm {
  const failures = failedCalls ?? createFailedCalls(journal, clock)
  const inFlight = new Map<string, SharedCall<RawReply>>()
  const asked = new Set<string>()
  const writing = new Map<string, Promise<void>>()
  const remember = (name: string) => {
    asked.delete(name)
    asked.add(name)
    if (asked.size > REMEMBERED) asked.delete(asked.values().next().value!)
  }

  /** Waits for the journal, unless the caller's step does so in the end. */
  function write({ call }: LlmRequest, entry: JournalEntry): Promise<void> | undefined {
    const name = JSON.stringify(entry.key)
    const work = orUnavailable(journal.record(entry)).finally(() => writing.delete(name))
    writing.set(name, work)
    if (!call.settle) return work
    work.catch(() => {}) // Whoever has taken it hears of it.
    call.settle(work)
    return undefined
  }

  async function callAndRecord(request: LlmRequest, options: LlmOptions): Promise<RawReply> {
    const startedAt = clock.now()
    let reply: LlmReply
    try {
      reply = await inner.generate(request, options)
    } catch (error) {
      await failures.record(request, error, startedAt)
      throw error
    }
    const { text, provider, model, usage, costUsd, latencyMs, passedOver, lowered } = reply
    const bill = { provider, model, usage, costUsd, latencyMs }
    // A reply that was itself a replay further down is in the journal already.
    const entry = { ...journalHeadOf(request), ...bill, startedAt, result: { kind: 'reply', text } as const }
    if (!reply.fromJournal) await write(request, entry)
    return { text, ...bill, fromJournal: reply.fromJournal, ...(passedOver && { passedOver }), ...(lowered && { lowered }) }
  }

  async function replayOrCall(
    request: LlmRequest,
    name: string,
    options: Required<Pick<LlmOptions, 'signal' | 'onDelta'>>,
  ): Promise<RawReply> {
    const isNew = request.call.firstTry === true && !asked.has(name)
    remember(name)
    if (isNew) return callAndRecord(request, options)
    await writing.get(name)
    const known = await orUnavailable(journal.find(journalHeadOf(request).key))
    options.signal.throwIfAborted()
    // The shape may have changed since the reply was recorded; then the model is asked again.
    if (!known || 'problem' in parseReply(request.schema.type, known.result.text)) return callAndRecord(request, options)
    options.onDelta({ kind: 'text', text: known.result.text })
    const { provider, model, usage, costUsd, latencyMs } = known
    return { text: known.result.text, provider, model, usage, costUsd, latencyMs, fromJournal: true }
  }

  return {
    async generate(request, options) {
      options.signal.throwIfAborted()
      const name = JSON.stringify(journalHeadOf(request).key)
      const shared = inFlight.get(name)
      if (shared && !shared.abandoned()) return parsed(request, { ...(await shared.join(options)), fromJournal: true })
      const call = shareCall((sharedOptions) =>
        replayOrCall(request, name, sharedOptions).finally(() => {
          if (inFlight.get(name) === call) inFlight.delete(name)
        }),
      )
      inFlight.set(name, call)
      return parsed(request, await call.join(options))
    },
    ready: () => inner.ready(),
  }
}

function parsed<T>(request: LlmRequest<T>, reply: RawReply): LlmReply<T> {
  const value = parseReply(request.schema.type, reply.text)
  if ('problem' in value) throw retryable('provider-bad-reply', value.problem)
  return { ...value, ...reply }
}
