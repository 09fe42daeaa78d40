import { setTimeout as sleep } from 'node:timers/promises'
import { apiClient } from '#cli/client.ts'
import { demoTickets } from '#cli/demo-world.ts'
import { loadDemo } from '#cli/load-demo.ts'
import { startPlatform } from '#cli/platform.ts'
import { allQueues } from '#pipelines/registry.ts'
import { createFailedCalls } from '#shared/adapters/models/failed-calls.ts'
import { createFallbackLlm } from '#shared/adapters/models/llm.fallback.ts'
import { createJournaledLlm } from '#shared/adapters/models/llm.journaled.ts'
import { createMeasuredLlm } from '#shared/adapters/models/llm.measured.ts'
import { createJournal } from '#shared/adapters/state/journal.postgres.ts'
import { Passages } from '#shared/domain/passage.ts'
import type { Run } from '#shared/domain/run.ts'
import { TenantConfig } from '#shared/domain/tenant.ts'
import { createLog, type Doors, openDoors } from '#shared/wiring.ts'
import { countBacklog } from '#workers/backlog.ts'
import type { Engine } from '#workers/engine.ts'
import { startWorkers } from '#workers/host.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { MIN_EVIDENCE } from '#workers/steps/retrieve.ts'
import { steps } from '#workers/steps.ts'
import { benchConfig } from '../bench-config.ts'
import { instantLlm } from '../instant-llm.ts'
import { newTickets } from '../new-tickets.ts'
import { answerCalls } from '../side.ts'
import { stubSteps } from '../stub-steps.ts'
import { untilCount } from '../until-count.ts'

/** The product: its own doors, engine and workers, all in one process, as `answerline up` runs them; only the model is ours. */
export type ProductOptions = {
  readonly redisUrl: string
  readonly databaseUrl: string
  readonly dataDir: string
  /** stub: steps without work, so that only the engine is measured · real: the demo's knowledge and the real steps */
  readonly kind: 'stub' | 'real'
}

let opened: Awaited<ReturnType<typeof openProduct>>
const ends = untilCount()
/** Questions of the demo that the real steps answer from its articles; found by `open`. */
let questions: { readonly subject: string; readonly body: string }[] = [{ subject: 'Boxes', body: 'What colour is the box?' }]

async function openProduct(options: ProductOptions) {
  const { kind, redisUrl } = options
  const config = benchConfig(options)
  const prefix = `bench-${kind}`
  const log = createLog('warn')
  if (kind === 'real') {
    const platform = await startPlatform({ config, roles: { api: true, work: true }, log, prefix })
    await loadDemo(platform, apiClient(platform.url, platform.key.key))
    await platform.stop()
  }
  const doors = await openDoors({ config, redisUrl, queueNames: allQueues().map(({ queue }) => queue), log, prefix })
  await doors.tenants.create({ id: 'default', name: 'Bench', config: TenantConfig.parse({}), createdAt: doors.clock.now() })
  const telemetry: Doors['telemetry'] = {
    ...doors.telemetry,
    runEnded(run) {
      doors.telemetry.runEnded(run)
      ends.add()
    },
  }
  const backlog = await countBacklog(doors.runs, log)
  const llm = zeroLatency(doors, telemetry)
  const engine: Engine = {
    ...doors,
    telemetry,
    worker: `worker-${process.pid}`,
    backlogOf: backlog.of,
    deps: { ...doors, llm, modelAvailable: true, prompts: loadPrompts() },
  }
  const host = startWorkers(engine, kind === 'stub' ? stubSteps : steps, doors.createConsumer())
  return { kind, doors, engine, host, backlog }
}

/** Everything that stands in front of a provider in production, with nothing behind it. */
function zeroLatency({ database, clock, log }: Doors, telemetry: Doors['telemetry']) {
  const journal = createJournal(database)
  const failedCalls = createFailedCalls(journal, clock)
  const link = { name: 'instant', llm: createMeasuredLlm(instantLlm, 'instant', { telemetry, clock }) }
  return createJournaledLlm(createFallbackLlm([link], { log, clock, failedCalls }), { journal, clock, failedCalls })
}

async function accept(n: number, first = 0) {
  const { doors, kind } = opened
  const arrivals = newTickets(n, kind === 'stub' ? 'half-repaired' : 'plain', questions, doors.clock.now(), first)
  await Promise.all(arrivals.map((arrival) => doors.tickets.accept(arrival)))
  return arrivals.map(({ run }) => run)
}
type NewRuns = Awaited<ReturnType<typeof accept>>

const dispatch = (runs: NewRuns) =>
  opened.doors.dispatcher.dispatch(
    runs.map(({ id, pipeline, state }) => ({
      runId: id,
      seq: 0,
      pipeline,
      step: state.step,
      lane: state.lane,
      delayMs: 0,
      backlog: opened.engine.backlogOf('default'),
    })),
  )

/** @returns hops and statuses of these runs as the log has them, not as anybody counted */
async function recorded(runs: NewRuns): Promise<{ hops: number; answered: number }> {
  const ids = runs.map(({ id }) => id)
  const [row] = await opened.doors.database.asSystem(
    'the benchmark checks what it measured',
    `SELECT (SELECT count(*) FROM attempts WHERE run_id = ANY($1) AND seq > 0) AS hops,
       (SELECT count(*) FROM runs WHERE id = ANY($1) AND status = 'answered') AS answered`,
    [ids],
  )
  return { hops: Number(row!.hops), answered: Number(row!.answered) }
}

async function round({
  n,
}: {
  readonly n: number
}): Promise<{ seconds: number; cpuMicros: number; hops: number; answered: number }> {
  // Counted from before they are there: the sweeper may send one that waits for its job too long, and it may end before the others begin.
  const allEnded = ends.after(n)
  const runs = await accept(n)
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  await dispatch(runs)
  // A run that goes to a person never ends; what is missing then is told by `recorded`.
  await Promise.race([allEnded, sleep(ROUND_TIMEOUT_MS, undefined, { ref: false })])
  const seconds = (performance.now() - startedAt) / 1_000
  const { user, system } = process.cpuUsage(cpuBefore)
  return { seconds, cpuMicros: user + system, ...(await recorded(runs)) }
}

/** @returns milliseconds from dispatch to end of each of `n` runs that have the engine to themselves */
async function idle({ n }: { readonly n: number }): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < n; i++) {
    // One at a time: the sweeper would take a run that is accepted and not dispatched for one whose job was lost.
    const [run] = await accept(1, i)
    const startedAt = performance.now()
    const ended = ends.after(1)
    await dispatch([run!])
    await ended
    times.push(performance.now() - startedAt)
  }
  return times
}

const SETTLE_MS = 3_000
const ROUND_TIMEOUT_MS = 120_000

async function open(options: ProductOptions): Promise<{ questions: number }> {
  opened = await openProduct(options)
  if (options.kind === 'real') questions = await answerable()
  return { questions: questions.length }
}

/** Every ticket of a round has a word of its own, which takes a little from the evidence: a question near the threshold would go to a person. */
const SURELY_ANSWERED = 3 * MIN_EVIDENCE
const evidenceOf = (run: Run) => Passages.parse(run.facts['passages']).evidence

/** The demo's tickets that surely come back answered with this model in seven hops; each is sent once to find out. */
async function answerable(): Promise<typeof questions> {
  const candidates = demoTickets().filter(({ expect }) => expect === 'answered')
  const { doors } = opened
  const arrivals = newTickets(candidates.length, 'plain', candidates, doors.clock.now())
  await Promise.all(arrivals.map((arrival) => doors.tickets.accept(arrival)))
  await dispatch(arrivals.map(({ run }) => run))
  const deadline = performance.now() + 60_000
  for (;;) {
    const runs = await Promise.all(arrivals.map(({ run }) => doors.runs.load(run.id)))
    if (runs.every((run) => run!.status === 'answered' || run!.status === 'waiting' || run!.status === 'closed')) {
      const isSure = (run: Run) => run.status === 'answered' && run.seq === 7 && evidenceOf(run) >= SURELY_ANSWERED
      return candidates.filter((_ticket, i) => isSure(runs[i]!))
    }
    if (performance.now() > deadline) throw new Error('the demo tickets did not come to rest within 60 s')
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS / 30))
  }
}

answerCalls({ open, round, idle }, async () => {
  if (!opened) return
  await opened.host.stop()
  opened.backlog.stop()
  await opened.doors.close()
})
