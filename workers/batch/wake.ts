import { ENDED } from '#shared/domain/run.ts'
import type { ToWake } from '#shared/ports/batch-store.ts'
import { moveRun } from '../move-run.ts'
import type { BatchDesk } from './batch-desk.ts'

const MOVES_IN_FLIGHT = 50
/** A run that is just being parked is looked at again soon. */
const NOT_YET_MS = 500

/**
 * Wakes runs whose requests have ended, as many as the pace allows: a batch of 50,000 replies must not drown the workers, and what
 * is asked synchronously must not drown the providers.
 * @returns how many were woken
 */
export async function wake(desk: BatchDesk): Promise<number> {
  const share = desk.pace.wakeEveryMs / 1_000
  const portion = (perSecond: number) => Math.max(1, Math.round(perSecond * share))
  const due = await desk.batches.toWake(portion(desk.pace.wakePerSecond), portion(desk.pace.spillPerSecond))
  let woken = 0
  for (let i = 0; i < due.length; i += MOVES_IN_FLIGHT) {
    const results = await Promise.all(due.slice(i, i + MOVES_IN_FLIGHT).map((one) => wakeOne(desk, one)))
    await note(desk, results)
    woken += results.filter(({ result }) => result === 'woken').length
  }
  return woken
}

type Woken = { readonly one: ToWake; readonly result: 'woken' | 'needless' | 'not-yet' }

/** Waking twice is harmless: a run that has parked again looks, finds nothing, and parks once more. */
async function wakeOne(desk: BatchDesk, one: ToWake): Promise<Woken> {
  try {
    const run = await desk.runs.load(one.runId)
    if (!run || ENDED.includes(run.status) || run.step !== one.step) return { one, result: 'needless' }
    if (run.status !== 'parked') return { one, result: 'not-yet' }
    const { moved } = await moveRun(desk, run, { kind: 'resumed' }, desk.clock.now(), desk.worker)
    return { one, result: moved ? 'woken' : 'not-yet' }
  } catch (error) {
    desk.log.warn({ runId: one.runId, err: error }, 'a run could not be woken; the next round tries it again')
    return { one, result: 'not-yet' }
  }
}

async function note({ batches }: BatchDesk, results: readonly Woken[]): Promise<void> {
  const idsOf = (pick: (result: Woken['result']) => boolean) =>
    results.filter(({ result }) => pick(result)).flatMap(({ one }) => [...one.requestIds])
  const over = idsOf((result) => result !== 'not-yet')
  const notYet = idsOf((result) => result === 'not-yet')
  if (over.length > 0) await batches.woken(over)
  if (notYet.length > 0) await batches.notWoken(notYet, NOT_YET_MS)
}
