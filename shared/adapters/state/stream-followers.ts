import type { Redis } from 'ioredis'
import { compareEventIds, type StreamedEvent } from '#shared/domain/event.ts'

/** A follower whose reader is slower than this is told no more; it reads what it missed when its reader comes back. */
const MAX_QUEUED_EVENTS = 200
const MAX_QUEUED_CHARACTERS = 65_536
const RETRY_MS = 200

type Page = { readonly events: readonly StreamedEvent[]; readonly next: string | undefined }
/** @param from an event's id, or what the page before named as `next` */
type ReadPage = (key: string, from: string | undefined) => Promise<Page>
type Follower = {
  queue: StreamedEvent[]
  queuedCharacters: number
  /** What is held must be read first: at the beginning, after a lost connection, and when the queue ran over. */
  behind: boolean
  /** Where the next page of what is held begins. */
  cursor: string | undefined
  wake: () => void
}

/**
 * All followers of this process on one connection, which is told of every batch of the streams they follow (SUBSCRIBE); what was
 * there before, or was missed, is read from the stream. Memory is bounded a follower: a queue that runs over is thrown away.
 */
export function createFollowerHub(
  subscriber: Redis,
  read: ReadPage,
  parse: (stored: string, key: string) => readonly StreamedEvent[],
) {
  const channels = new Map<string, Set<Follower>>()
  let closed = false

  const tell = (key: string, json: string): void => {
    const followers = channels.get(key)
    if (!followers) return
    const events = parse(json, key)
    for (const follower of followers) {
      if (follower.behind) continue
      follower.queue.push(...events)
      follower.queuedCharacters += json.length
      if (follower.queue.length > MAX_QUEUED_EVENTS || follower.queuedCharacters > MAX_QUEUED_CHARACTERS) fallBehind(follower)
      else follower.wake()
    }
  }
  subscriber.on('message', tell)
  /** Whatever was published while nobody listened is in the streams. */
  subscriber.on('ready', () => {
    const keys = [...channels.keys()]
    if (keys.length === 0) return
    const catchUp = () => {
      for (const followers of channels.values()) for (const follower of followers) fallBehind(follower)
    }
    subscriber.subscribe(...keys).then(catchUp, catchUp)
  })

  const join = async (key: string, follower: Follower): Promise<void> => {
    const followers = channels.get(key)
    if (followers) return void followers.add(follower)
    channels.set(key, new Set([follower]))
    // A connection that is down subscribes when it is back, and everybody catches up then.
    if (subscriber.status === 'ready') await subscriber.subscribe(key).catch(() => {})
  }
  const leave = (key: string, follower: Follower): void => {
    const followers = channels.get(key)
    if (!followers?.delete(follower) || followers.size > 0) return
    channels.delete(key)
    if (!closed && subscriber.status === 'ready') subscriber.unsubscribe(key).catch(() => {})
  }

  return {
    async *follow(key: string, afterId: string | undefined, signal: AbortSignal): AsyncGenerator<StreamedEvent, void> {
      const follower: Follower = { queue: [], queuedCharacters: 0, behind: true, cursor: undefined, wake: () => {} }
      const onAbort = () => follower.wake()
      signal.addEventListener('abort', onAbort)
      let last = afterId
      try {
        await join(key, follower)
        while (!signal.aborted) {
          const events = follower.behind ? await caughtUp(read, key, last, follower, signal) : takeAll(follower)
          for (const event of events) {
            if (last !== undefined && compareEventIds(event.id, last) <= 0) continue
            last = event.id
            yield event
            if (event.event === 'done' || signal.aborted) return
          }
          if (follower.behind || follower.queue.length > 0 || signal.aborted) continue
          await new Promise<void>((resolve) => {
            follower.wake = resolve
          })
        }
      } finally {
        signal.removeEventListener('abort', onAbort)
        leave(key, follower)
      }
    },
    close() {
      closed = true
      subscriber.disconnect()
    },
  }
}

function fallBehind(follower: Follower): void {
  follower.queue = []
  follower.queuedCharacters = 0
  follower.behind = true
  follower.cursor = undefined
  follower.wake()
}

function takeAll(follower: Follower): readonly StreamedEvent[] {
  const events = follower.queue
  follower.queue = []
  follower.queuedCharacters = 0
  return events
}

/** One page of what is held; after the last one the follower is up to date, for what came meanwhile is in its queue. */
async function caughtUp(
  read: ReadPage,
  key: string,
  last: string | undefined,
  follower: Follower,
  signal: AbortSignal,
): Promise<readonly StreamedEvent[]> {
  // From here on it is told again: what is published while the page is being read may not be on the page.
  follower.behind = false
  try {
    const { events, next } = await read(key, follower.cursor ?? last)
    follower.cursor = next
    if (next !== undefined) follower.behind = true
    return events
  } catch {
    follower.behind = true
    await pause(RETRY_MS, signal)
    return []
  }
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
