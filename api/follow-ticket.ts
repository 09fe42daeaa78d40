import { compareEventIds, type StreamedEvent } from '#shared/domain/event.ts'
import type { Attempt } from '#shared/domain/run.ts'
import type { RunLog } from '#shared/ports/run-log.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'
import type { SeqWatch } from './seq-watch.ts'

type FollowDeps = {
  readonly runs: Pick<RunLog, 'attempts'>
  readonly stream: Pick<TokenStream, 'follow'>
  /** Tells now and then how far each run is: what the live stream has lost is found by it. */
  readonly seqs: SeqWatch
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
  /** The run has only just begun: nothing can be in the log that the live stream will not tell. */
  readonly isNew?: boolean
}

/** What the log holds waits this long for the live stream, which may hold the tokens that came before it. */
const GRACE_MS = 150
/** Ids of what arises while a step works begin here; the log does not know them. */
const FIRST_LIVE_INDEX = 1_000

/**
 * Every event of a ticket after `afterId`, each once and in order, to the end. Two sources tell the same story: the live stream
 * is quick and knows the tokens, but may vanish with Redis; the log is the truth, but knows no half-written tokens. Events of
 * the log stand in wherever the live stream skipped some, is quiet, or fails.
 */
export async function* followTicket(deps: FollowDeps, followed: Followed): AsyncGenerator<StreamedEvent, void> {
  const { runId, signal } = followed
  const story = storyFromLog(deps, followed)
  const live = liveEvents(deps, followed, story.lastId)
  let ahead = !followed.isNew
  const stopWatching = deps.seqs.watch(runId, (seq) => {
    ahead = seq > story.lastSeq()
    // Not at every look: each wake leaves a trace in the promise that waits for the next event, which may be days away.
    if (ahead || live.failed()) live.nudge()
  })
  signal.addEventListener('abort', live.nudge)
  try {
    let told: readonly StreamedEvent[] = []
    while (!signal.aborted) {
      if (ahead && told.length === 0) told = await story.unread()
      ahead = false
      const event = await live.next(told.length > 0 ? GRACE_MS : undefined)
      if (signal.aborted) return
      if (event && story.lacksSomeBefore(event)) told = await story.unread()
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
    signal.removeEventListener('abort', live.nudge)
    stopWatching()
    live.stop()
  }
}

const partsOf = (id: string | undefined): [number, number] => {
  const [seq = -1, index = -1] = id?.split('-').map(Number) ?? []
  return [seq, index]
}

/** Keeps what has been told and reads from the log what has not. */
function storyFromLog({ runs, eventsOf }: FollowDeps, { tenantId, runId, afterId, isNew: begun }: Followed) {
  let lastId = afterId ?? (begun ? '0-0' : undefined)
  const isNew = (event: StreamedEvent) => lastId === undefined || compareEventIds(event.id, lastId) > 0
  return {
    lastId: () => lastId,
    lastSeq: () => partsOf(lastId)[0],
    isNew,
    tell(event: StreamedEvent): void {
      lastId = event.id
    },
    /** A batch of the stream is a whole transition, so only a jump between transitions, or into one, shows that one is missing. */
    lacksSomeBefore(event: StreamedEvent): boolean {
      const [seq, index] = partsOf(event.id)
      const [lastSeq, lastIndex] = partsOf(lastId)
      if (seq === lastSeq) return index < FIRST_LIVE_INDEX && index > lastIndex + 1
      return seq > lastSeq + 1 || index > 0
    },
    /** @returns everything the log tells after `lastId` */
    async unread(): Promise<StreamedEvent[]> {
      const attempts = await runs.attempts(tenantId, runId)
      return attempts.flatMap((attempt) => [...eventsOf(attempt)]).filter(isNew)
    },
  }
}

/** The live stream with a patience. A stream that failed is opened again at the next nudge, which comes now and then. */
function liveEvents({ stream }: FollowDeps, { tenantId, ticketId }: Followed, lastId: () => string | undefined) {
  const stopped = new AbortController()
  const open = () => stream.follow(tenantId, ticketId, lastId(), stopped.signal)[Symbol.asyncIterator]()
  let events = open()
  let failed = false
  let pending: Promise<StreamedEvent | undefined> | undefined
  let wake = () => {}
  let nudged = false

  const pull = async (): Promise<StreamedEvent | undefined> => {
    try {
      const { value, done } = await events.next()
      if (!done) return value
    } catch {
      // The log tells what is missing meanwhile.
    }
    failed = true
    return undefined
  }
  const reopen = () => {
    failed = false
    pending = undefined
    events = open()
  }
  return {
    /** @returns the next event; nothing when none came in time, or when there is reason to look into the log */
    async next(patienceMs: number | undefined): Promise<StreamedEvent | undefined> {
      if (nudged && failed) reopen()
      nudged = false
      pending ??= pull()
      let timer: NodeJS.Timeout | undefined
      const woken = new Promise<undefined>((resolve) => {
        wake = () => resolve(undefined)
        if (patienceMs !== undefined) timer = setTimeout(wake, patienceMs)
      })
      // An ended stream would answer at once, for ever.
      const first = await Promise.race(failed ? [woken] : [pending.then((event) => event ?? woken), woken])
      clearTimeout(timer)
      if (first) pending = undefined
      return first
    },
    failed: () => failed,
    nudge(): void {
      nudged = true
      wake()
    },
    stop: () => stopped.abort(),
  }
}
