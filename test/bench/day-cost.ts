import { setTimeout as sleep } from 'node:timers/promises'
import { apiClient, type Client } from '#cli/client.ts'
import { type Platform, startPlatform } from '#cli/platform.ts'
import { TenantConfig } from '#shared/domain/tenant.ts'
import { createLog } from '#shared/wiring.ts'
import { seededRandom } from '#test/simulator/seeded-random.ts'
import { type Simulator, startSimulator } from '#test/simulator/simulator.ts'
import { BENCH_KEY, benchConfig } from './bench-config.ts'
import { type Day, type DayTicket, hasDayData, MIX, makeDay, ZIPF_EXPONENT } from './day-mix.ts'
import { startStores } from './private-stores.ts'
import { type BenchReport, machine } from './report.ts'

export const FULL_DAY = { runs: 2_000 }
export const QUICK_DAY = { runs: 200 }
const SEED = 20_261_121
/** A day's tickets come one after another; so many at once leave a repeat its chance to find the first answer in the cache. */
const IN_FLIGHT = 16
const LOOK_EVERY_MS = 50
const TICKET_TIMEOUT_MS = 120_000
const INDEX_TIMEOUT_MS = 300_000

/** Under every policy alike: broken replies are billed, and what follows them is billed again. */
const FAULTS: Parameters<Simulator['setFaults']>[0] = [
  { fault: 'broken_json', probability: 0.01 },
  { fault: '500', probability: 0.01 },
]

type Tier = 'cheap' | 'standard' | 'premium'
type Tickets = readonly DayTicket[]
type Policy = { readonly name: string; readonly parts: (tickets: Tickets) => readonly { config: object; tickets: Tickets }[] }

const NO_LIMIT = { dayUsd: 1_000_000, monthUsd: 1_000_000 }
const UNLIMITED = {
  customer: { free: NO_LIMIT, standard: NO_LIMIT, enterprise: NO_LIMIT },
  anonymous: NO_LIMIT,
  conversationUsd: 1_000_000,
}
const always = (tier: Tier) => ({
  policies: { cache: false },
  budgets: UNLIMITED,
  models: {
    tasks: Object.fromEntries(['classify', 'generate', 'verify', 'judge', 'summarise', 'rewrite'].map((task) => [task, tier])),
  },
})
const TIERS: readonly Tier[] = ['cheap', 'standard', 'premium']

/** What a day costs under each of these; the tickets, the knowledge and the simulated models are the same. */
const policies = (random: () => number): readonly Policy[] => [
  { name: 'answerline', parts: (tickets) => [{ config: {}, tickets }] },
  { name: 'routing-without-caches', parts: (tickets) => [{ config: { policies: { cache: false } }, tickets }] },
  { name: 'always-premium', parts: (tickets) => [{ config: always('premium'), tickets }] },
  { name: 'always-cheap', parts: (tickets) => [{ config: always('cheap'), tickets }] },
  {
    name: 'random',
    // Every ticket gets a tier by the dice; those of one tier are sent together, because a tier is a setting of the tenant.
    parts(tickets) {
      const byTier = Map.groupBy(tickets, () => TIERS[Math.floor(random() * TIERS.length)]!)
      return TIERS.map((tier) => ({ config: always(tier), tickets: byTier.get(tier) ?? [] }))
    },
  },
]

/**
 * A day of tickets through the whole product against the simulator: what its meter says under the product's own routing and
 * caches, and under policies that use neither. Failed calls, repairs and retries are on the meter like all others.
 * @returns undefined, with a line that says so, where the data is absent
 */
export async function benchDayCost({
  runs,
  say,
}: {
  readonly runs: number
  readonly say: (line: string) => void
}): Promise<BenchReport | undefined> {
  if (!hasDayData) {
    say('day-cost: skipped (needs ../shared/data)')
    return undefined
  }
  const where = machine()
  const random = seededRandom(SEED)
  const day = makeDay(runs, random)
  const world = await openWorld(day, say)
  try {
    const results = []
    for (const policy of policies(random)) {
      const result = await runDay(world, policy, day)
      say(`${policy.name}: ${JSON.stringify(result)}`)
      results.push(result)
    }
    return report(results, day, where)
  } finally {
    await world.stop()
  }
}

type World = {
  readonly platform: Platform
  readonly client: Client
  readonly simulator: Simulator
  readonly baseConfig: object
  stop(): Promise<void>
}

async function openWorld(day: Day, say: (line: string) => void): Promise<World> {
  const stores = await startStores()
  const simulator = await startSimulator({ seed: SEED })
  const databaseUrl = await stores.createDatabase('day')
  const config = {
    ...benchConfig({ redisUrl: stores.redisUrl, databaseUrl, dataDir: stores.dataDir('day') }),
    openAi: { apiKey: 'simulated', baseUrl: `${simulator.url}/v1` },
    logLevel: 'error' as const,
  }
  const platform = await startPlatform({ config, roles: { api: true, work: true }, log: createLog('error'), prefix: 'day' })
  const client = apiClient(platform.url, BENCH_KEY)
  const escalateIntents = ['human_agent', 'legal_threat', 'contact_human_agent', 'complaint']
  const baseConfig = { examples: day.examples, policies: { escalateIntents } }
  say(`indexing ${day.documents.length} articles`)
  await indexAll(platform, client, day)
  simulator.setFaults(FAULTS)
  return {
    platform,
    client,
    simulator,
    baseConfig,
    async stop() {
      await platform.stop()
      await simulator.close()
      await stores.stop()
    },
  }
}

async function indexAll({ doors }: Platform, client: Client, { documents }: Day): Promise<void> {
  for (const document of documents) {
    const { status, body } = await client.request('POST', '/v1/documents', document)
    if (status !== 202) throw new Error(`document ${document.id}: ${status} ${JSON.stringify(body)}`)
  }
  const deadline = performance.now() + INDEX_TIMEOUT_MS
  for (;;) {
    const [row] = await doors.database.asSystem('the benchmark waits', `SELECT count(*) AS open FROM runs WHERE ended_at IS NULL`)
    if (Number(row!.open) === 0) return
    if (performance.now() > deadline) throw new Error(`${row!.open} documents are not indexed`)
    await sleep(LOOK_EVERY_MS)
  }
}

type Result = {
  readonly policy: string
  /** By the simulator's meter. */
  readonly meteredUsd: number
  /** By our own journal, through `GET /v1/usage`. */
  readonly reportedUsd: number
  readonly calls: number
  readonly byModel: Readonly<Record<string, number>>
  readonly outcomes: Readonly<Record<string, number>>
  readonly cacheHits: number
  /** Calls that the budget did not pay for as asked. */
  readonly budgetRefusals: number
  readonly ticketMs: { readonly p50: number; readonly p99: number }
}

async function runDay(world: World, { name, parts }: Policy, day: Day): Promise<Result> {
  const { platform, client, simulator, baseConfig } = world
  const before = simulator.meter()
  const usage = () => usageOf(client)
  const reportedBefore = await usage()
  const runIds: string[] = []
  for (const { config, tickets } of parts(day.tickets)) {
    const merged = {
      ...baseConfig,
      ...config,
      policies: { ...(baseConfig as { policies: object }).policies, ...(config as { policies?: object }).policies },
    }
    await platform.doors.tenants.update('default', { config: TenantConfig.parse(merged) })
    runIds.push(...(await sendAll(world, tickets)))
  }
  await platform.doors.budget.closeExpired()
  const after = simulator.meter()
  const byModel = Object.fromEntries(
    Object.entries(after.byModel).map(([model, { calls }]) => [model, calls - (before.byModel[model]?.calls ?? 0)]),
  )
  return {
    policy: name,
    meteredUsd: after.costUsd - before.costUsd,
    reportedUsd: (await usage()) - reportedBefore,
    calls: after.calls - before.calls,
    byModel,
    ...(await outcomesOf(platform, runIds)),
  }
}

async function usageOf(client: Client): Promise<number> {
  const to = new Date(Date.now() + 86_400_000).toISOString()
  const { body } = await client.request('GET', `/v1/usage?groupBy=model&to=${to}`)
  return (body as { totals: { costUsd: number } }).totals.costUsd
}

/** Each by itself through the API, so many at a time. */
async function sendAll({ client, platform }: World, tickets: Tickets): Promise<string[]> {
  const queue = tickets.values()
  const runIds: string[] = []
  const sender = async () => {
    for (const ticket of queue) {
      const { status, body } = await client.request('POST', '/v1/tickets', ticket)
      if (status !== 202) throw new Error(`a ticket was refused: ${status} ${JSON.stringify(body)}`)
      const { runId } = body as { runId: string }
      runIds.push(runId)
      await untilAtRest(platform, runId)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender))
  return runIds
}

const AT_REST = new Set(['answered', 'waiting', 'closed', 'dead', 'cancelled'])
async function untilAtRest({ doors }: Platform, runId: string): Promise<void> {
  const deadline = performance.now() + TICKET_TIMEOUT_MS
  for (;;) {
    const run = await doors.runs.load(runId)
    if (run && AT_REST.has(run.status)) return
    if (performance.now() > deadline)
      throw new Error(`run ${runId} is ${run?.status} in ${run?.step} after ${TICKET_TIMEOUT_MS} ms`)
    await sleep(LOOK_EVERY_MS)
  }
}

async function outcomesOf({ doors }: Platform, runIds: readonly string[]) {
  const ask = (sql: string) => doors.database.asSystem('the benchmark reads what it made', sql, [runIds])
  const statuses = await ask('SELECT status, count(*) AS n FROM runs WHERE id = ANY($1) GROUP BY status')
  const [hits] = await ask(`SELECT count(*) AS n FROM attempts WHERE run_id = ANY($1) AND step = 'recall' AND result = 'hit'`)
  const [refused] = await ask(`SELECT count(*) AS n FROM budget_reservations WHERE run_id = ANY($1) AND state = 'refused'`)
  const [times] = await ask(
    `SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS p50, percentile_disc(0.99) WITHIN GROUP (ORDER BY ms) AS p99
     FROM (SELECT extract(epoch FROM updated_at - created_at) * 1000 AS ms FROM runs WHERE id = ANY($1)) AS took`,
  )
  return {
    outcomes: Object.fromEntries(statuses.map(({ status, n }) => [String(status), Number(n)])),
    cacheHits: Number(hits!.n),
    budgetRefusals: Number(refused!.n),
    ticketMs: { p50: Math.round(Number(times!.p50)), p99: Math.round(Number(times!.p99)) },
  }
}

function report(results: readonly Result[], day: Day, where: string): BenchReport {
  const costOf = (name: string) => results.find(({ policy }) => policy === name)!.meteredUsd
  const [value, baseline] = [costOf('answerline'), costOf('always-premium')]
  const first = results[0]!
  return {
    name: 'day-cost',
    value: round(value),
    unit: 'USD a day, by the simulator’s meter',
    baseline: round(baseline),
    ratio: round(value / baseline),
    p50: first.ticketMs.p50,
    p99: first.ticketMs.p99,
    quantilesOf: 'milliseconds a ticket',
    n: day.tickets.length,
    machine: where,
    saved: round(1 - value / baseline),
    target: 0.6,
    faults: FAULTS,
    mix: { ...MIX, zipfExponent: ZIPF_EXPONENT, repeatedWordForWord: day.repeats },
    note: 'the simulator replies alike for every model: costs are compared here, not the quality of answers',
    policies: results.map((result) => ({
      ...result,
      meteredUsd: round(result.meteredUsd),
      reportedUsd: round(result.reportedUsd),
    })),
  }
}

const round = (value: number) => Math.round(value * 1e6) / 1e6
