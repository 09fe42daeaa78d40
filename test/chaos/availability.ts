import type { FaultRule } from '#test/simulator/faults.ts'
import { seededRandom } from '#test/simulator/seeded-random.ts'
import type { Installation } from './installation.ts'
import { ticketWith } from './knowledge.ts'
import type { Sender } from './sender.ts'
import { until } from './until.ts'

/** What an accepted ticket must get within this time: an answer, or a person who has it in the queue. */
export const BOUND_MS = 10_000
export const TARGET_SHARE = 0.999
const SHOWN_LATE = 12
/** After the last ticket; what is not at rest by then is reported as missing. */
const REST_WITHIN_MS = 40_000

export type Drill = {
  readonly seconds: number
  readonly ticketsPerSecond: number
  readonly seed: number
  readonly say: (line: string) => void
}
export type DrillReport = {
  readonly accepted: number
  /** Of the accepted ones. */
  readonly withinBound: number
  readonly share: number
  readonly answered: number
  readonly toPeople: number
  /** From acceptance to the answer or the person. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly notAccepted: number
  /** Who wrote the drafts. */
  readonly draftsBy: Readonly<Record<string, number>>
  readonly struck: Readonly<Record<string, number>>
  /** Some of the late ones: when they came, and each attempt with its beginning and its end, in ms since they were accepted. */
  readonly late: readonly string[]
}

/** How a provider can be down: it says so, it breaks off, or it is silent, which is the worst. */
const WAYS_DOWN = ['500', 'drop', 'hang'] as const
const OPENAI_PATH = '/v1/chat/completions'
const ANTHROPIC_PATH = '/v1/messages'

const faultsOf = (way: (typeof WAYS_DOWN)[number]): FaultRule[] => [
  { match: OPENAI_PATH, fault: way, probability: 1 },
  { match: ANTHROPIC_PATH, fault: '500', probability: 0.05 },
]

/**
 * The primary provider is down all the time, each third of it in another way, and the secondary one fails 5 % of its calls, while
 * tickets come in at a steady pace. Measured from the run log: from the acceptance to the transition that answered or handed over.
 */
export async function drillAvailability(installation: Installation, drill: Drill): Promise<DrillReport> {
  const { seconds, ticketsPerSecond, seed, say } = drill
  const sender = installation.newSender()
  const random = seededRandom(seed)
  const perWay = Math.ceil((seconds * ticketsPerSecond) / WAYS_DOWN.length)
  const before = { ...installation.simulator.meter().byFault }
  for (const way of WAYS_DOWN) {
    installation.simulator.setFaults(faultsOf(way))
    const tickets = Array.from({ length: perWay }, (_, i) => ticketWith(`drill-${seed}-${way}-${i}`, { random }))
    await sender.stream(tickets, ticketsPerSecond)
    say(`primary down (${way}), secondary failing 5 %: ${sender.acks().length} tickets accepted`)
  }
  const ids = sender.acks().map(({ runId }) => runId)
  const isAtRest = async () => (await timesOf(installation, ids)).length === ids.length
  await until('every ticket is answered or with a person', REST_WITHIN_MS, isAtRest).catch(() => {})
  installation.simulator.setFaults([])
  return reportOf(installation, sender, before)
}

/** A person's decision comes later; what counts is when the ticket lay before one. A ticket that closes as spam has had its answer, too. */
const TIMES = `
  SELECT DISTINCT ON (a.run_id) a.run_id, a.next->>'status' AS status, extract(epoch FROM a.ended_at - r.created_at) * 1000 AS ms
  FROM attempts a JOIN runs r ON r.id = a.run_id
  WHERE a.run_id = ANY($1) AND a.next->>'status' IN ('answered', 'waiting', 'closed') ORDER BY a.run_id, a.seq`
const DRAFTS = `
  SELECT facts_written->'draft'->'routing'->>'provider' AS provider, count(*) AS n FROM attempts
  WHERE run_id = ANY($1) AND facts_written ? 'draft' GROUP BY 1`

const LATE = `
  SELECT r.created_at, a.step, a.result, a.failure->>'code' AS code, a.facts_written->'draft'->'routing'->>'provider' AS provider,
    round(extract(epoch FROM a.started_at - r.created_at) * 1000) AS began, round(extract(epoch FROM a.ended_at - r.created_at) * 1000) AS ended
  FROM attempts a JOIN runs r ON r.id = a.run_id WHERE a.run_id = $1 ORDER BY a.seq`

async function whyLate(installation: Installation, runIds: readonly string[]): Promise<string[]> {
  return Promise.all(
    runIds.slice(0, SHOWN_LATE).map(async (runId) => {
      const rows = await installation.query(LATE, [runId])
      const steps = rows.map(({ step, result, code, provider, began, ended }) =>
        [step, result, code, provider, `${began}-${ended}`].filter(Boolean).join(' '),
      )
      return `${new Date(String(rows[0]?.['created_at'])).toISOString()} ${steps.join(', ')}`
    }),
  )
}

async function timesOf(installation: Installation, ids: readonly string[]) {
  const rows = await installation.query(TIMES, [ids])
  return rows.map((row) => ({ runId: String(row['run_id']), status: String(row['status']), ms: Number(row['ms']) }))
}

async function reportOf(
  installation: Installation,
  sender: Sender,
  struckBefore: Readonly<Record<string, number>>,
): Promise<DrillReport> {
  const ids = sender.acks().map(({ runId }) => runId)
  const times = await timesOf(installation, ids)
  const sorted = times.map(({ ms }) => ms).toSorted((a, b) => a - b)
  const at = (q: number) => Math.round(sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN)
  const within = sorted.filter((ms) => ms <= BOUND_MS).length
  const drafts = await installation.query(DRAFTS, [ids])
  const struck = Object.entries(installation.simulator.meter().byFault)
  return {
    accepted: ids.length,
    withinBound: within,
    share: within / ids.length,
    answered: times.filter(({ status }) => status !== 'waiting').length,
    toPeople: times.filter(({ status }) => status === 'waiting').length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    notAccepted: sender.problems().length,
    draftsBy: Object.fromEntries(drafts.map((row) => [String(row['provider']), Number(row['n'])])),
    late: await whyLate(
      installation,
      times.filter(({ ms }) => ms > BOUND_MS).map(({ runId }) => runId),
    ),
    struck: Object.fromEntries(struck.map(([fault, count]) => [fault, (count ?? 0) - (struckBefore[fault] ?? 0)])),
  }
}
