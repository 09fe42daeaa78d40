import { failureOf } from '#shared/domain/failure.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Llm } from '#shared/ports/llm.ts'
import type { Telemetry } from '#shared/ports/telemetry.ts'

/** Counts every call that went out, with what it took and cost; what the journal answered did not go out. */
export function createMeasuredLlm(inner: Llm, name: string, { telemetry, clock }: { telemetry: Telemetry; clock: Clock }): Llm {
  return {
    async generate(request, options) {
      const startedAt = clock.now().getTime()
      const { task } = request
      try {
        const reply = await inner.generate(request, options)
        if (!reply.fromJournal) {
          const { provider, model, usage, costUsd, latencyMs } = reply
          telemetry.modelCalled({ provider, model, task, result: 'ok', seconds: latencyMs / 1_000, usage, costUsd })
        }
        return reply
      } catch (error) {
        const result = options.signal.aborted ? 'aborted' : failureOf(error).code
        const seconds = (clock.now().getTime() - startedAt) / 1_000
        telemetry.modelCalled({ provider: name, model: 'unknown', task, result, seconds, usage: NO_USAGE, costUsd: 0 })
        throw error
      }
    },
    ready: () => inner.ready(),
  }
}
