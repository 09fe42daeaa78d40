import { randomBytes } from 'node:crypto'
import { failureOf } from '#shared/domain/failure.ts'
import { ATTRIBUTES } from '#shared/domain/trace.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Llm, LlmReply, LlmRequest } from '#shared/ports/llm.ts'
import type { FinishedSpan, Traces } from '#shared/ports/traces.ts'

/** A span for every model call under the span of its step: which model, how many tokens, what it cost; never a word of it. */
export function createTracedLlm(inner: Llm, { traces, clock }: { readonly traces: Traces; readonly clock: Clock }): Llm {
  return {
    async generate(request, options) {
      const { trace } = request.call
      if (!trace) return inner.generate(request, options)
      const startedAt = clock.now()
      const head = {
        traceId: trace.traceId,
        parentSpanId: trace.spanId,
        spanId: randomBytes(8).toString('hex'),
        kind: 'client',
        startedAt,
      } as const
      try {
        const reply = await inner.generate(request, options)
        traces.record({ ...head, ...describe(request, reply), endedAt: clock.now() })
        return reply
      } catch (error) {
        const errorType = options.signal.aborted ? 'aborted' : failureOf(error).code
        traces.record({ ...head, name: `chat ${request.task}`, attributes: asked(request), errorType, endedAt: clock.now() })
        throw error
      }
    },
    ready: () => inner.ready(),
  }
}

const asked = ({ task, tier, prompt, maxOutputTokens, call }: LlmRequest): FinishedSpan['attributes'] => ({
  [ATTRIBUTES.operation]: 'chat',
  [ATTRIBUTES.requestMaxTokens]: maxOutputTokens,
  [ATTRIBUTES.task]: task,
  [ATTRIBUTES.tier]: tier,
  [ATTRIBUTES.promptId]: prompt.id,
  [ATTRIBUTES.promptVersion]: prompt.version,
  [ATTRIBUTES.runId]: call.runId,
  [ATTRIBUTES.step]: call.step,
})

function describe(request: LlmRequest, reply: LlmReply): Pick<FinishedSpan, 'name' | 'attributes' | 'events'> {
  const { provider, model, usage, costUsd, fromJournal, passedOver = [] } = reply
  return {
    name: `chat ${model}`,
    attributes: {
      ...asked(request),
      [ATTRIBUTES.provider]: provider,
      // Models are pinned: who is asked is who answers.
      [ATTRIBUTES.requestModel]: model,
      [ATTRIBUTES.responseModel]: model,
      [ATTRIBUTES.inputTokens]: usage.inputTokens,
      [ATTRIBUTES.outputTokens]: usage.outputTokens,
      [ATTRIBUTES.cacheReadTokens]: usage.cacheReadTokens,
      [ATTRIBUTES.cacheWriteTokens]: usage.cacheWriteTokens,
      [ATTRIBUTES.costUsd]: fromJournal ? 0 : costUsd,
      [ATTRIBUTES.fromJournal]: fromJournal,
    },
    events: passedOver.map(({ provider: name, code }) => ({
      name: 'passed over',
      attributes: { [ATTRIBUTES.provider]: name, [ATTRIBUTES.errorType]: code },
    })),
  }
}
