import { jobIdOf } from '#shared/ports/dispatcher.ts'
import type { RunGlance } from '#shared/ports/run-log.ts'
import type { Engine } from './engine.ts'
import { createRunMover } from './move-run.ts'

/** A job that has been due this long is looked for. Longer than a hop takes to reach its queue, shorter than a person's patience. */
const OVERDUE_MS = 4_000
/** A run whose job was found in its queue is left alone this long. */
const REST_MS = 30_000
const BATCH = 1_000
const MOVES_IN_FLIGHT = 50

/** Losses that the log has not been told of. The queues tell of a loss once, and the database may be away at that very moment. */
const losses = new WeakSet<object>()

export type Swept = { readonly looked: number; readonly redispatched: number; readonly expired: number }
type Sweeping = Pick<Engine, 'runs' | 'dispatcher' | 'stream' | 'telemetry' | 'clock' | 'log' | 'backlogOf' | 'deps'>

/**
 * One round of what makes Redis disposable: finds runs whose job is overdue, asks the queues which of those jobs they still
 * hold, and sends the others again under a new seq (so that a job that turns up after all is dropped). Ends waits and parks
 * whose time is over. Any number of processes may sweep: every move is guarded by the run's seq.
 * @param signal ends the round early: after a flush it may have very many runs to send
 */
export async function sweep(engine: Sweeping, signal: AbortSignal = new AbortController().signal): Promise<Swept> {
  if (await engine.dispatcher.lostMemory()) {
    engine.log.debug({}, 'the queues remember nothing (new, flushed or restarted empty); every open run is looked at now')
    losses.add(engine.runs)
  }
  if (losses.has(engine.runs)) {
    await engine.runs.checkAll(REST_MS)
    losses.delete(engine.runs)
  }
  const total = { looked: 0, redispatched: 0, expired: 0 }
  while (!signal.aborted) {
    const overdue = await engine.runs.dispatched(OVERDUE_MS, BATCH)
    if (overdue.length === 0) break
    const held = await engine.dispatcher.held(overdue.map(toJobRef))
    const lost = overdue.filter((run) => !held.has(jobIdOf(toJobRef(run))))
    const kept = overdue.filter((run) => held.has(jobIdOf(toJobRef(run))))
    if (kept.length > 0)
      await engine.runs.checked(
        kept.map((run) => run.id),
        REST_MS,
      )
    total.looked += overdue.length
    const { moved, left } = await moveAll(engine, lost, 'lost', signal)
    // What cannot be moved (a pipeline of another version, a row that cannot be read) must not be found again at once, for ever.
    if (left.length > 0) await engine.runs.checked(left, REST_MS)
    total.redispatched += moved
    if (overdue.length < BATCH) break
  }
  const expired = await engine.runs.expired(engine.clock.now(), BATCH)
  total.expired = (await moveAll(engine, expired, 'expired', signal)).moved
  if (total.redispatched > 0) engine.log.warn({ ...total }, 'sent runs again whose jobs were lost')
  return total
}

const toJobRef = (run: RunGlance) => ({ runId: run.id, seq: run.seq, pipeline: run.pipeline, step: run.step })

/** @returns how many were moved, and the ids of those that were tried and could not be */
async function moveAll(
  engine: Sweeping,
  runs: readonly RunGlance[],
  kind: 'lost' | 'expired',
  signal: AbortSignal,
): Promise<{ moved: number; left: string[] }> {
  const mover = createRunMover(engine)
  const left: string[] = []
  let moved = 0
  for (let i = 0; i < runs.length && !signal.aborted; i += MOVES_IN_FLIGHT) {
    await Promise.all(
      runs.slice(i, i + MOVES_IN_FLIGHT).map(async (run) => {
        try {
          const result = await mover.move(run.id, { kind }, 'sweeper', run.seq)
          if (result.moved) moved++
          else left.push(run.id)
          if (result.moved && kind === 'expired' && run.status === 'waiting')
            await engine.deps.escalations.resolve(run.tenantId, run.id, 'expired', null, engine.clock.now())
        } catch (error) {
          // One run that cannot be read or moved must not keep the others from being found.
          left.push(run.id)
          engine.log.warn({ runId: run.id, err: error }, 'a run could not be swept; the next round tries it again')
        }
      }),
    )
  }
  return { moved, left }
}
