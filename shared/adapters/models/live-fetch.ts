import { AsyncLocalStorage } from 'node:async_hooks'
import type { CallWatch } from './call-watch.ts'

const watching = new AsyncLocalStorage<CallWatch>()

/** Everything that `liveFetch` fetches on behalf of `work` is seen by the watch. */
export const underWatch = <T>(watch: CallWatch, work: () => Promise<T>): Promise<T> => watching.run(watch, work)

/**
 * `fetch` that tells the watch of every byte. The SDKs keep pings and comments to themselves, and these are all that a
 * provider sends while a model thinks: without them a thinking model looks like a dead one.
 */
export const liveFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init)
  const watch = watching.getStore()
  if (!watch || !response.body) return response
  const reader = response.body.getReader()
  // Read on demand and nothing kept: a TransformStream would do, at several times the promises a chunk.
  const told = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        watch.alive()
        controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  const { status, statusText, headers } = response
  return new Response(told, { status, statusText, headers })
}
