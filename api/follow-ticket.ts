import { compareEventIds, type StreamedEvent } from '#shared/domain/event.ts'
import type { Attempt } from '#shared/domain/run.ts'
import type { RunLog } from '#shared/ports/run-log.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'

type FollowDeps = {
  readonly runs: Pick<RunLog, 'load' | 'attempts'>
  readonly stream: Pick<TokenStream, 'follow'>
  /** The events that a row of the log tells of; a pure function, so the same row always tells the same under the same ids. */
  readonly eventsOf: (attempt: Attempt) => readonly StreamedEvent[]
}
type Followed = {
  readonly tenantId: string
  readonly ticketId: string
  readonly runId: string
  /** The last event the client has seen. */
  readonly afterId: string | undefined
  readonly signal: AbortSignal
  /** How often the log is asked when the live stream is quiet. */
  readonly pollMs: number
}

/** What the log holds waits this long for the live stream, which may hold the tokens that came before it. */
const GRACE_MS = 150

/**
 * Every event of a ticket after `afterId`, each once and in order, to the end. Two sources tell the same story: the live stream
 * is quick and knows the tokens, but may vanish with Redis; the log is the truth, but knows no half-written tokens. Events of
 * the log stand in wherever the live stream skipped some, is quiet, or fails.
 */
export async function* followTicket(deps: FollowDeps, followed: Followed): AsyncGenerator<StreamedEvent, void> {
  const { tenantId, ticketId, runId, signal, pollMs } = followed
  const story = storyFromLog(deps, tenantId, runId, followed.afterId)
  let live = liveEvents(deps, tenantId, ticketId, followed.afterId, signal)
  try {
    let told = await story.unread()
    while (!signal.aborted) {
      const next = await live.next(told.length > 0 ? GRACE_MS : pollMs)
      if (next === 'ended') live = liveEvents(deps, tenantId, ticketId, story.lastId(), signal, pollMs)
      const event = typeof next === 'object' ? next : undefined
      if (event ? story.mayLackSomeBefore(event) : told.length === 0) {
        const unread = await story.unread()
        if (unread.length > 0) told = unread
      }
      // What the log tells of the time before a live event comes first; without one, all of it is due.
      const due = event ? [...told.filter((one) => compareEventIds(one.id, event.id) < 0), event] : told
      told = event ? told.filter((one) => compareEventIds(one.id, event.id) > 0) : []
      for (const one of due) {
        if (!story.isNew(one)) continue
        story.tell(one)
        yield one
        if (one.event === 'done') return
      }
    }
  } finally {
    live.stop()
  }
}

/** Keeps what has been told and reads from the log what has not. */
function storyFromLog({ runs, eventsOf }: FollowDeps, tenantId: string, runId: string, afterId: string | undefined) {
  let lastId = afterId
  let readUpTo = -1
  const isNew = (event: StreamedEvent) => lastId === undefined || compareEventIds(event.id, lastId) > 0
  return {
    lastId: () => lastId,
    isNew,
    tell(event: StreamedEvent): void {
      lastId = event.id
    },
    /** At each new transition, because its predecessor may have been cut short, and wherever the count within one jumps. */
    mayLackSomeBefore(event: StreamedEvent): boolean {
      const [seq = 0, index = 0] = event.id.split('-').map(Number)
      const [lastSeq = -1, lastIndex = -1] = lastId?.split('-').map(Number) ?? []
      return seq > lastSeq || index > lastIndex + 1
    },
    /** @returns everything the log tells after `lastId`; nothing when it has not grown since it was read last */
    async unread(): Promise<StreamedEvent[]> {
      const run = await runs.load(runId)
      if (!run || run.tenantId !== tenantId || run.seq <= readUpTo) return []
      const attempts = await runs.attempts(tenantId, runId)
      readUpTo = attempts.at(-1)?.seq ?? readUpTo
      return attempts.flatMap((attempt) => [...eventsOf(attempt)]).filter(isNew)
    },
  }
}

/** The live stream with a patience: the next event, `quiet` when none came in time, `ended` when the stream failed or ended. */
function liveEvents(
  { stream }: FollowDeps,
  tenantId: string,
  ticketId: string,
  afterId: string | undefined,
  signal: AbortSignal,
  waitMs = 0,
) {
  const stopped = new AbortController()
  const both = AbortSignal.any([signal, stopped.signal])
  const events = stream.follow(tenantId, ticketId, afterId, both)[Symbol.asyncIterator]()
  let pending: Promise<StreamedEvent | 'ended'> | undefined
  // A stream that failed is tried again, but only after a while of reading from the log alone.
  const notBefore = waitMs > 0 ? pause(waitMs, both) : undefined
  const pull = async (): Promise<StreamedEvent | 'ended'> => {
    await notBefore
    try {
      const { value, done } = await events.next()
      return done ? 'ended' : value
    } catch {
      return 'ended'
    }
  }
  return {
    async next(patienceMs: number): Promise<StreamedEvent | 'ended' | 'quiet'> {
      pending ??= pull()
      const timeUp = new AbortController()
      const quiet = pause(patienceMs, AbortSignal.any([both, timeUp.signal])).then(() => 'quiet' as const)
      const first = await Promise.race([pending, quiet])
      timeUp.abort()
      if (first !== 'quiet') pending = undefined
      return first
    },
    stop: () => stopped.abort(),
  }
}

/** Resolves after so long, or at once when aborted; never rejects. */
const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
