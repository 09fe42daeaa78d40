import type { LlmDelta, LlmOptions } from '#shared/ports/llm.ts'

/** One call that several callers wait for: it lives while anybody waits, and whoever joins late is told what was said so far. */
export type SharedCall<T> = {
  /** @throws the abort reason of this caller's own signal, or what the call threw */
  readonly join: (options: LlmOptions) => Promise<T>
  /** True when everybody left before the reply came: the call is being aborted and can no longer be joined. */
  readonly abandoned: () => boolean
}

/** @param start makes the call; its signal aborts when the last caller has left */
export function shareCall<T>(start: (options: Required<Pick<LlmOptions, 'signal' | 'onDelta'>>) => Promise<T>): SharedCall<T> {
  const controller = new AbortController()
  const listeners = new Set<(delta: LlmDelta) => void>()
  let waiting = 0
  let toldText = ''
  const onDelta = (delta: LlmDelta) => {
    toldText = delta.kind === 'restart' ? '' : toldText + delta.text
    for (const listener of listeners) listener(delta)
  }
  // A microtask later, so that the first caller has joined and an abort finds somebody to have left.
  const reply = Promise.resolve().then(() => start({ signal: controller.signal, onDelta }))
  reply.catch(() => {}) // Everybody may have left before it fails.

  return {
    abandoned: () => controller.signal.aborted,
    async join(options) {
      options.signal.throwIfAborted()
      waiting++
      const listener = options.onDelta && ((delta: LlmDelta) => options.onDelta?.(delta))
      if (listener && toldText) listener({ kind: 'text', text: toldText })
      if (listener) listeners.add(listener)
      const left = Promise.withResolvers<never>()
      const leave = () => left.reject(options.signal.reason)
      options.signal.addEventListener('abort', leave, { once: true })
      try {
        return await Promise.race([reply, left.promise])
      } finally {
        options.signal.removeEventListener('abort', leave)
        if (listener) listeners.delete(listener)
        waiting--
        if (waiting === 0) controller.abort(options.signal.reason)
      }
    },
  }
}
