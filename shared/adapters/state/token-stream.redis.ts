import type { Redis } from 'ioredis'
import * as z from 'zod'
import { compareEventIds, StreamedEvent } from '#shared/domain/event.ts'
import type { Place, Sealer } from '#shared/ports/sealer.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'
import { createAesGcmSealer } from '../sealing/sealer.aes-gcm.ts'
import { createFollowerHub } from './stream-followers.ts'

/** Followers that come later than this after the last event are served from the log. */
const KEEP_SECONDS = 3_600
const MAX_BATCHES = 2_000
const READ_COUNT = 200

/**
 * One command a batch, kept and told in one go: this is on the path of every step, and a pipeline of ioredis costs the process
 * more than the events do. ARGV: seconds to keep, most batches, id, the batch as JSON. One that was told before is no error.
 */
const APPEND = `
local reply = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], ARGV[3], 'b', ARGV[4])
if type(reply) == 'table' and reply.err then
  if string.find(reply.err, 'equal or smaller', 1, true) then return 0 end
  return reply
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('PUBLISH', KEYS[1], ARGV[4])
return 1`

/**
 * Redis Streams, one per ticket; an entry is a batch of events, so a batch is never seen in part. Its id is that of its last
 * event: Redis itself refuses one that is not newer than the last, so what is told twice is stored once. The same command
 * publishes the batch, so a follower needs no reading but to catch up. Batches with words are sealed: what the requester is told has
 * its personal data back.
 * @param subscriber a connection that is used for nothing else; all followers of this process share it
 */
export function createRedisTokenStream(
  redis: Redis,
  subscriber: Redis,
  prefix: string,
  sealer: Sealer = createAesGcmSealer([]),
): TokenStream & { close(): void } {
  const keyOf = (tenantId: string, ticketId: string) => `${prefix}:stream:${tenantId}:${ticketId}`
  const hub = createFollowerHub(
    subscriber,
    (key, afterId) => readBatches(redis, sealer, key, afterId),
    (stored, key) => readBatch(sealer, key, stored),
  )
  return {
    async append(tenantId, ticketId, events) {
      if (events.length === 0) return
      const last = events.reduce((high, { id }) => (compareEventIds(id, high) > 0 ? id : high), events[0]!.id)
      const key = keyOf(tenantId, ticketId)
      const batch = JSON.stringify(events)
      const stored = events.every(({ event }) => WORDLESS.has(event)) ? batch : sealer.seal(batch, placeOf(key))
      await appendTo(redis, key, toEntryId(last), stored)
    },
    follow: (tenantId, ticketId, afterId, signal) => hub.follow(keyOf(tenantId, ticketId), afterId, signal),
    close: () => hub.close(),
  }
}

/** Events that say where a ticket is, and nothing of what it is about. */
const WORDLESS = new Set<StreamedEvent['event']>(['step', 'restart', 'done'])
/** The key names tenant and ticket. */
const placeOf = (key: string): Place => ['', 'stream', key]

async function appendTo(redis: Redis, key: string, entryId: string, batch: string): Promise<void> {
  const command = redis as Redis & { appendBatch?: (key: string, ...args: (string | number)[]) => Promise<unknown> }
  if (!command.appendBatch) redis.defineCommand('appendBatch', { numberOfKeys: 1, lua: APPEND })
  await command.appendBatch!(key, KEEP_SECONDS, MAX_BATCHES, entryId, batch)
}

/** Redis does not take the id 0-0. */
const toEntryId = (id: string) => {
  const [seq, index] = id.split('-')
  return `${Number(seq) + 1}-${index}`
}

const Entries = z.array(z.tuple([z.string(), z.array(z.string())]))
const Batch = z.array(StreamedEvent)

/** What cannot be read is passed over: nobody would get any further. */
function readBatch(sealer: Sealer, key: string, stored: string | undefined): StreamedEvent[] {
  try {
    return Batch.parse(JSON.parse(sealer.open(stored ?? '[]', placeOf(key))))
  } catch {
    return []
  }
}

/** @returns one page of what is held after `afterId`, and where the next one begins, if there may be one */
async function readBatches(
  redis: Redis,
  sealer: Sealer,
  key: string,
  from: string | undefined,
): Promise<{ readonly events: StreamedEvent[]; readonly next: string | undefined }> {
  const start = from === undefined ? '-' : from.startsWith('(') ? from : `(${toEntryId(from)}`
  const entries = Entries.parse(await redis.xrange(key, start, '+', 'COUNT', READ_COUNT))
  const events = entries.flatMap(([, fields]) => readBatch(sealer, key, fields[fields.indexOf('b') + 1]))
  return { events, next: entries.length === READ_COUNT ? `(${entries.at(-1)![0]}` : undefined }
}
