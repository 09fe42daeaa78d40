import type { Log } from '#shared/ports/log.ts'
import type { RunLog } from '#shared/ports/run-log.ts'

export type SeqWatch = {
  /** Calls back with the run's seq on every look. @returns ends it */
  watch(runId: string, look: (seq: number) => void): () => void
  stop(): void
}

const MAX_IDS = 2_000

/**
 * How far the runs are that somebody follows: one small query for all of them every `everyMs`, instead of one a follower. Without
 * followers nothing is asked. Looks that fail are followed by others.
 */
export function createSeqWatch(runs: Pick<RunLog, 'seqs'>, log: Pick<Log, 'warn'>, everyMs: number): SeqWatch {
  const watched = new Map<string, Set<(seq: number) => void>>()
  let looking = false
  const look = async (): Promise<void> => {
    if (looking || watched.size === 0) return
    looking = true
    try {
      const ids = [...watched.keys()]
      for (let i = 0; i < ids.length; i += MAX_IDS) {
        const seqs = await runs.seqs(ids.slice(i, i + MAX_IDS))
        for (const [id, seq] of seqs) for (const callback of watched.get(id) ?? []) callback(seq)
      }
    } catch (err) {
      log.warn({ err }, 'could not see how far the followed runs are; the next look will tell')
    } finally {
      looking = false
    }
  }
  const timer = setInterval(() => void look(), everyMs).unref()
  return {
    watch(runId, callback) {
      const all = watched.get(runId) ?? new Set()
      watched.set(runId, all.add(callback))
      return () => {
        all.delete(callback)
        if (all.size === 0 && watched.get(runId) === all) watched.delete(runId)
      }
    },
    stop: () => clearInterval(timer),
  }
}
