import { StepFailure, terminal } from '#shared/domain/failure.ts'
import type { CallLimits } from '#shared/domain/model-table.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Llm, LlmDelta, LlmOptions, LlmReply, LlmRequest } from '#shared/ports/llm.ts'
import type { Log } from '#shared/ports/log.ts'
import type { FailedCalls } from './failed-calls.ts'

export type FallbackLink = { readonly name: string; readonly llm: Llm }
export type FallbackOptions = {
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly clock: Clock
  /** Records what the failed links cost; the reply that follows them only knows its own bill. */
  readonly failedCalls?: FailedCalls
}

/** Of the time that is left: what a model may use while there is another one to ask, and what the last one may. */
const SHARE = 0.6
const LAST_SHARE = 0.9
const MIN_DEADLINE_MS = 1_000

type PassedOver = { readonly provider: string; readonly code: string }
type Turn = FallbackLink & { readonly model?: string; readonly isLastModel: boolean }

/**
 * Asks the models of the request's route in order until one replies; without a route, all links in theirs. A retryable or
 * terminal failure moves on; a refusal needs a person, whoever declined; an abort, a parked call and a defect end it at once.
 * The route's deadline holds for all of them together. What failed links cost is in `failedCalls`.
 * @throws the most hopeful failure when every link failed: retryable before terminal, the sooner retryable before the later, the
 * earlier link before the later. One that cools down for a minute must not keep a ticket from another that just stumbled.
 */
export function createFallbackLlm(links: readonly FallbackLink[], options: FallbackOptions): Llm {
  if (links.length === 0) throw new TypeError('a fallback needs at least one model')
  return {
    generate: (request, callOptions) => askInOrder(turnsOf(links, request), request, callOptions, options),
    async ready() {
      const states = await Promise.all(links.map(async ({ name, llm }) => ({ name, ...(await llm.ready()) })))
      return { ok: states.some(({ ok }) => ok), detail: states.map(({ name, detail }) => `${name}: ${detail}`).join('; ') }
    },
  }
}

function turnsOf(links: readonly FallbackLink[], { route }: LlmRequest): Turn[] {
  const calls = route?.calls.map(({ provider, model }) => ({ provider: provider as string, model }))
  const turns = (calls ?? links.map(({ name }) => ({ provider: name, model: undefined }))).flatMap(({ provider, model }) => {
    const link = links.find(({ name }) => name === provider)
    return link ? [{ ...link, ...(model === undefined ? {} : { model }) }] : []
  })
  const last = turns.findLastIndex(({ name }) => name !== 'extractive')
  return turns.map((turn, i) => ({ ...turn, isLastModel: i >= last }))
}

async function askInOrder<T>(
  turns: readonly Turn[],
  request: LlmRequest<T>,
  { signal, onDelta }: LlmOptions,
  { log, clock, failedCalls }: FallbackOptions,
): Promise<LlmReply<T>> {
  const failures: StepFailure[] = []
  const passedOver: PassedOver[] = []
  const begunMs = clock.now().getTime()
  const nextSpeaker = onDelta && voicesOn(onDelta)
  for (const { name, llm, model, isLastModel } of turns) {
    const startedAt = clock.now()
    const limits = request.route && limitsOf(request.route.limits, startedAt.getTime() - begunMs, isLastModel)
    const options = { signal, ...(nextSpeaker && { onDelta: nextSpeaker() }), ...(limits && { limits }) }
    try {
      const reply = await llm.generate(model === undefined ? request : { ...request, model }, options)
      return passedOver.length === 0 ? reply : { ...reply, passedOver }
    } catch (failure) {
      if (signal.aborted || !movesOn(failure)) throw failure
      await failedCalls?.record(request, failure, startedAt)
      const { code } = failure.failure
      log.warn({ model: name, code, task: request.task }, 'a model failed, asking the next one')
      failures.push(failure)
      passedOver.push({ provider: name, code })
    }
  }
  const retryable = failures.filter(({ failure }) => failure.kind === 'retryable')
  throw retryable.toSorted((a, b) => waitMsOf(a) - waitMsOf(b))[0] ?? failures[0] ?? terminal('no-model-configured', 'no model')
}

const waitMsOf = ({ failure }: StepFailure) => failure.retryAfterMs ?? 0

/** One speaker after the other: what one has said is void before the first word of the next, who may never say one. */
function voicesOn(onDelta: (delta: LlmDelta) => void): () => (delta: LlmDelta) => void {
  let unfinished = false
  return () => {
    let voidFirst = unfinished
    return (delta) => {
      if (voidFirst && delta.kind === 'text') onDelta({ kind: 'restart', reason: 'the previous model did not finish' })
      voidFirst = false
      unfinished = delta.kind === 'text'
      onDelta(delta)
    }
  }
}

/** So much patience that the next model can still answer in time; the last one has all that is left but a little. */
function limitsOf({ firstMs, idleMs, deadlineMs }: CallLimits, elapsedMs: number, isLastModel: boolean): CallLimits {
  const leftMs = Math.max(MIN_DEADLINE_MS, Math.min(deadlineMs, deadlineMs - elapsedMs))
  const allMs = Math.round(leftMs * (isLastModel ? LAST_SHARE : SHARE))
  return { firstMs: isLastModel ? allMs : Math.min(firstMs, allMs), idleMs: Math.min(idleMs, allMs), deadlineMs: allMs }
}

const movesOn = (error: unknown): error is StepFailure =>
  error instanceof StepFailure && (error.failure.kind === 'retryable' || error.failure.kind === 'terminal')
