import { EventEmitter, once } from 'node:events'
import { compareEventIds, type StreamedEvent } from '#shared/domain/event.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'

/** Holds everything in this process; `flush` forgets it, as an emptied Redis does. */
export function memoryTokenStream(): TokenStream & { flush(): void } {
  const held = new Map<string, StreamedEvent[]>()
  const news = new EventEmitter().setMaxListeners(0)
  const nameOf = (tenantId: string, ticketId: string) => `${tenantId} ${ticketId}`
  return {
    flush: () => held.clear(),
    async append(tenantId, ticketId, events) {
      const name = nameOf(tenantId, ticketId)
      const all = held.get(name) ?? []
      for (const event of events) {
        const last = all.at(-1)
        if (!last || compareEventIds(event.id, last.id) > 0) all.push(event)
      }
      held.set(name, all)
      news.emit(name)
    },
    async *follow(tenantId, ticketId, afterId, signal) {
      const name = nameOf(tenantId, ticketId)
      let last = afterId
      while (!signal.aborted) {
        const next = held.get(name)?.find((event) => last === undefined || compareEventIds(event.id, last) > 0)
        if (next) {
          last = next.id
          yield next
          if (next.event === 'done') return
        } else await once(news, name, { signal }).catch(() => {})
      }
    },
  }
}
