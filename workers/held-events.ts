import type { StreamedEvent } from '#shared/domain/event.ts'
import type { Run } from '#shared/domain/run.ts'
import type { Log } from '#shared/ports/log.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'

/** Nobody notices that he is told of a step this much later; the short steps of a run are over by then. */
const HOLD_MS = 50

/** What the followers of one run are still to be told. */
export type HeldEvents = {
  /** Tells these soon, unless somebody takes them before. */
  hold(run: Pick<Run, 'tenantId' | 'subjectId'>, events: readonly StreamedEvent[]): void
  /** Hands over what is held, to be told together with what comes next. */
  take(): readonly StreamedEvent[]
  /** Tells what is held, now. */
  flush(): void
}

/**
 * Gathers the events of steps that follow each other within milliseconds: each batch costs us, Redis and every process that follows
 * the run as much as its longest. What is lost here with a process is in the log, where followers find it.
 */
export function holdEvents(stream: TokenStream, log: Pick<Log, 'warn'>): HeldEvents {
  let held: StreamedEvent[] = []
  let of: Pick<Run, 'tenantId' | 'subjectId'> | undefined
  let timer: NodeJS.Timeout | undefined
  const take = () => {
    clearTimeout(timer)
    timer = undefined
    const events = held
    held = []
    return events
  }
  const flush = () => {
    const events = take()
    if (events.length === 0 || !of) return
    const { tenantId, subjectId } = of
    stream
      .append(tenantId, subjectId, events)
      .catch((err) => log.warn({ subjectId, err }, 'the stream did not take what was held'))
  }
  return {
    hold(run, events) {
      of = run
      held.push(...events)
      timer ??= setTimeout(flush, HOLD_MS)
    },
    take,
    flush,
  }
}
