import { NO_USAGE } from '#shared/domain/usage.ts'
import type { Llm, LlmOptions, LlmReply, LlmRequest } from '#shared/ports/llm.ts'

/** What the model does next: says a text, fails, or waits for somebody. */
export type ScriptedTurn = string | Error | ((request: LlmRequest, options: LlmOptions) => Promise<string>)

/** A model that follows a script, turn by turn, and repeats the last turn for ever. */
export function createScriptedLlm(turns: readonly ScriptedTurn[], model = 'scripted') {
  const requests: LlmRequest[] = []
  const llm: Llm = {
    async generate<T>(request: LlmRequest<T>, options: LlmOptions): Promise<LlmReply<T>> {
      requests.push(request)
      const turn = turns[Math.min(requests.length, turns.length) - 1]!
      if (turn instanceof Error) throw turn
      const text = typeof turn === 'string' ? turn : await turn(request, options)
      options.onDelta?.({ kind: 'text', text })
      const value = request.schema.type.parse(JSON.parse(text))
      const usage = { ...NO_USAGE, inputTokens: 10, outputTokens: 5 }
      return { value, text, provider: 'scripted', model, usage, costUsd: 0.01, latencyMs: 1, fromJournal: false }
    },
    ready: async () => ({ ok: true, detail: 'follows its script' }),
  }
  return Object.assign(llm, { requests })
}
