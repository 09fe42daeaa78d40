import { setTimeout as sleep } from 'node:timers/promises'
import { allQueues } from '#pipelines/registry.ts'
import type { Consumer } from '#shared/ports/consumer.ts'
import type { Engine } from './engine.ts'
import { startFeeder } from './feed.ts'
import { goesOnWith, runSteps } from './go-on.ts'
import { watchOvertaken } from './overtaken.ts'
import { createRecentRuns } from './recent-runs.ts'
import type { StepTable } from './step.ts'
import { sweep } from './sweep.ts'

/** How many jobs of a step one process has in hand. Steps that wait for others' servers take more than steps that compute. */
const CONCURRENCY: Readonly<Record<string, number>> = {
  // Drafts wait for a model far more than they compute: hundreds of replies are being written at the same time.
  generate: 500,
  // Runs that are gone on with keep their place here through the steps behind it: as many as those steps' own queues would have together.
  screen: 150,
  classify: 50,
  send: 50,
  embed: 4,
  enrich: 8,
  parse: 4,
  chunk: 4,
  index: 4,
  read: 4,
  digest: 50,
  prove: 4,
}
const DEFAULT_CONCURRENCY = 32
const SWEEP_EVERY_MS = 2_000
const COPIES_PAGE = 200
/** Of the 20 s that a stop may take, the rest is for handing back and closing connections. */
const DRAIN_MS = 15_000

export type WorkerHost = {
  readonly queues: readonly string[]
  alive(): Promise<{ readonly ok: boolean; readonly detail: string }>
  /** Finishes or hands back every job, within 20 s. */
  stop(): Promise<void>
}

/**
 * Works on the named steps (all of them without names) until it is stopped, and sweeps.
 * @throws Error that lists the steps there are, when one is unknown
 */
export function startWorkers(engine: Engine, steps: StepTable, consumer: Consumer, only?: readonly string[]): WorkerHost {
  const wanted = allQueues().filter(({ step, queue }) => only === undefined || only.includes(step) || only.includes(queue))
  const known = new Set(allQueues().flatMap(({ step, queue }) => [step, queue]))
  const unknown = (only ?? []).filter((name) => !known.has(name))
  if (unknown.length > 0)
    throw new Error(
      `unknown step ${unknown.join(', ')}; there are ${[...new Set(allQueues().map(({ step }) => step))].join(', ')}`,
    )
  let stopping = false
  const queues = wanted.map(({ queue }) => queue)
  const working: Engine = {
    ...engine,
    recent: createRecentRuns(engine.clock),
    goesOn: goesOnWith(queues, consumer, () => stopping),
  }
  const overtaken = watchOvertaken(engine.runs, engine.log)
  for (const { pipeline, step } of wanted) {
    consumer.start(
      { pipeline, step },
      (job, signal) => runSteps(working, steps, overtaken, job, signal),
      CONCURRENCY[step] ?? DEFAULT_CONCURRENCY,
    )
  }
  const sweeper = startSweeper(engine)
  const feeder = startFeeder(engine)
  return {
    queues,
    alive: () => consumer.alive(),
    async stop() {
      stopping = true
      try {
        await Promise.all([feeder.stop(), sweeper.stop(), consumer.stop(DRAIN_MS)])
      } finally {
        overtaken.stop()
      }
    },
  }
}

function startSweeper(engine: Engine): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const { signal } = stopping
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      await sweep(engine, signal).catch((error) =>
        engine.log.warn({ err: error }, 'a sweep failed; the next one will do its work'),
      )
      await forgetCopies(engine, signal).catch((error) =>
        engine.log.warn({ err: error }, 'copies of documents that went are still there; the next round tries again'),
      )
      // Spread over time, so that the sweepers of many processes do not march in step.
      const pauseMs = SWEEP_EVERY_MS * (0.75 + engine.clock.random() / 2)
      await sleep(pauseMs, undefined, { signal }).catch(() => {})
    }
  }
  const running = loop()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** In pages, so that a large change of the knowledge ends with the process that is told to. */
async function forgetCopies({ copies }: Engine, signal: AbortSignal): Promise<void> {
  let count = COPIES_PAGE
  while (copies !== undefined && count === COPIES_PAGE && !signal.aborted) count = await copies.forgetDue(COPIES_PAGE)
}
