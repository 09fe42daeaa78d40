import type { Run } from '#shared/domain/run.ts'
import type { Clock } from '#shared/ports/clock.ts'

/** Shorter than a job's lock in its queue, so that no other worker can have begun with the same job and lost it. */
const MAX_AGE_MS = 2_000
/** What is not taken soon was taken by another process; it must not fill our memory. */
const MAX_RUNS = 300
/** As JSON. Longer ones are read again: they are rare, and three hundred of them would be a burden. */
const MAX_FACTS_CHARS = 100_000
/** What the database writes otherwise than it was given (NUL, lone surrogates), as JSON spells it. */
const WRITTEN_OTHERWISE = /\\u(?:0000|d[89a-f])/i

export type RecentRuns = {
  /** @param run as the log has it now, its next job not yet on the queue · @param written what its last step added to the facts */
  keep(run: Run, written: Run['facts']): void
  /** The run as of `seq`, to whoever asks first and soon. */
  take(runId: string, seq: number): Run | undefined
}

/**
 * The runs that this process has moved on a moment ago. Its next step is most often taken up by the same process, which then
 * need not ask the log for what it has just written. Every move is guarded by the run's seq, so a copy that was overtaken
 * costs a step in vain, as a run does that is overtaken right after it was loaded.
 */
export function createRecentRuns(clock: Pick<Clock, 'now'>): RecentRuns {
  const kept = new Map<string, { readonly run: Run; readonly atMs: number }>()
  /** How long the facts of a run are, so that only what is new is measured. */
  const lengths = new WeakMap<Run['facts'], number>()
  const isStale = (atMs: number) => Math.abs(clock.now().getTime() - atMs) > MAX_AGE_MS
  const dropOldest = () => {
    for (const [id, { atMs }] of kept) {
      if (kept.size < MAX_RUNS && !isStale(atMs)) return
      kept.delete(id)
    }
  }
  return {
    keep(run, written) {
      kept.delete(run.id)
      dropOldest()
      const json = JSON.stringify(written)
      const before = lengths.get(run.facts) ?? JSON.stringify(run.facts).length
      if (before + json.length > MAX_FACTS_CHARS || WRITTEN_OTHERWISE.test(json)) return
      // A copy: what a step does afterwards to what it returned is its own affair, and a loaded run, too, went through JSON.
      const facts = { ...run.facts, ...JSON.parse(json) }
      lengths.set(facts, before + json.length)
      kept.set(run.id, { run: { ...run, facts }, atMs: clock.now().getTime() })
    },
    take(runId, seq) {
      const entry = kept.get(runId)
      if (entry?.run.seq !== seq) return undefined
      kept.delete(runId)
      return isStale(entry.atMs) ? undefined : entry.run
    },
  }
}
