import type { Redis } from 'ioredis'
import * as z from 'zod'
import { compareEventIds, StreamedEvent } from '#shared/domain/event.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'

/** Followers that come later than this after the last event are served from the log. */
const KEEP_SECONDS = 3_600
const MAX_EVENTS = 5_000
/** A follower that joins while the others are being waited for is heard after this long at most. */
const BLOCK_MS = 100
const READ_COUNT = 500

/**
 * One command a hop: this is on the path of every step, and a pipeline of ioredis costs the process more than the events do.
 * ARGV: seconds to keep, most events, then id, event and data of each. An event that was told before is no error.
 */
const APPEND = `
for i = 3, #ARGV, 3 do
  local reply = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], ARGV[i], 'e', ARGV[i + 1], 'd', ARGV[i + 2])
  if type(reply) == 'table' and reply.err and not string.find(reply.err, 'equal or smaller', 1, true) then return reply end
end
return redis.call('EXPIRE', KEYS[1], ARGV[1])`

/**
 * Redis Streams, one per ticket, with our own event ids as entry ids: Redis itself refuses an id that is not newer than the
 * last, so an event that is told twice is stored once.
 * @param blocking a connection that is used for nothing else; all followers of this process share it
 */
export function createRedisTokenStream(redis: Redis, blocking: Redis, prefix: string): TokenStream & { close(): void } {
  const keyOf = (tenantId: string, ticketId: string) => `${prefix}:stream:${tenantId}:${ticketId}`
  const hub = createHub(blocking)
  return {
    async append(tenantId, ticketId, events) {
      if (events.length === 0) return
      const entries = events.flatMap(({ id, event, data }) => [toEntryId(id), event, JSON.stringify(data)])
      await appendTo(redis, keyOf(tenantId, ticketId), entries)
    },
    follow: (tenantId, ticketId, afterId, signal) => hub.follow(keyOf(tenantId, ticketId), afterId, signal),
    close: () => hub.close(),
  }
}

async function appendTo(redis: Redis, key: string, entries: readonly string[]): Promise<void> {
  const command = redis as Redis & { appendEvents?: (key: string, ...args: (string | number)[]) => Promise<unknown> }
  if (!command.appendEvents) redis.defineCommand('appendEvents', { numberOfKeys: 1, lua: APPEND })
  await command.appendEvents!(key, KEEP_SECONDS, MAX_EVENTS, ...entries)
}

/** Redis does not take the id 0-0. */
const toEntryId = (id: string) => {
  const [seq, index] = id.split('-')
  return `${Number(seq) + 1}-${index}`
}
const fromEntryId = (id: string) => {
  const [seq, index] = id.split('-')
  return `${Number(seq) - 1}-${index}`
}

type Follower = { after: string; push: (event: StreamedEvent) => void }
const Entries = z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.array(z.string())]))])).nullable()

function readEvent(id: string, fields: readonly string[]): StreamedEvent | undefined {
  try {
    return StreamedEvent.parse({ id, event: fields[1], data: JSON.parse(fields[3] ?? '{}') })
  } catch {
    return undefined
  }
}

/** One blocking XREAD over the streams of all followers of this process: connections to Redis do not grow with readers. */
function createHub(blocking: Redis) {
  const followers = new Map<string, Set<Follower>>()
  let running = false
  let closed = false

  const oldest = (key: string) =>
    [...followers.get(key)!].reduce((low, one) => (compareEventIds(one.after, low) < 0 ? one.after : low), '9007199254740990-0')

  const deliver = (key: string, entries: readonly (readonly [string, readonly string[]])[]): void => {
    for (const [entryId, fields] of entries) {
      const id = fromEntryId(entryId)
      const event = readEvent(id, fields)
      for (const follower of followers.get(key) ?? []) {
        if (compareEventIds(id, follower.after) <= 0) continue
        // Also past what cannot be read: else it would be fetched again and again, and nobody would get any further.
        follower.after = id
        if (event) follower.push(event)
      }
    }
  }

  const loop = async (): Promise<void> => {
    if (running) return
    running = true
    while (followers.size > 0 && !closed) {
      const keys = [...followers.keys()]
      try {
        const reply = await blocking.xread(
          'COUNT',
          READ_COUNT,
          'BLOCK',
          BLOCK_MS,
          'STREAMS',
          ...keys,
          ...keys.map((key) => toEntryId(oldest(key))),
        )
        for (const [key, entries] of Entries.parse(reply) ?? []) deliver(key, entries)
      } catch {
        // The connection comes back by itself; followers fill what they missed from the log.
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
    running = false
  }

  return {
    async *follow(key: string, afterId: string | undefined, signal: AbortSignal): AsyncGenerator<StreamedEvent> {
      const queue: StreamedEvent[] = []
      let wake = () => {}
      const follower: Follower = {
        // Seq 0 is the acceptance, which only the log tells of.
        after: afterId ?? '0-0',
        push(event) {
          queue.push(event)
          wake()
        },
      }
      const group = followers.get(key) ?? new Set()
      followers.set(key, group.add(follower))
      const onAbort = () => wake()
      signal.addEventListener('abort', onAbort)
      void loop()
      try {
        while (!signal.aborted) {
          const event = queue.shift()
          if (event) {
            yield event
            if (event.event === 'done') return
            continue
          }
          await new Promise<void>((resolve) => {
            wake = resolve
            if (signal.aborted || queue.length > 0) resolve()
          })
        }
      } finally {
        signal.removeEventListener('abort', onAbort)
        group.delete(follower)
        if (group.size === 0) followers.delete(key)
      }
    },
    close() {
      closed = true
      blocking.disconnect()
    },
  }
}
