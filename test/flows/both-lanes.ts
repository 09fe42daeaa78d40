import type { apiClient } from '#cli/client.ts'
import type { DemoTicket } from '#cli/demo-world.ts'
import { loadDemo } from '#cli/load-demo.ts'
import { type Platform, startPlatform } from '#cli/platform.ts'
import { createLog } from '#shared/wiring.ts'
import { benchConfig } from '#test/bench/bench-config.ts'

/** What a run knows, without what names the run itself. */
const FACTS = ['screened', 'triage', 'passages', 'draft', 'verdict', 'answer'] as const
/** `released` is what followers were shown while it was written; nobody watches a batch write. */
const known = (fact: unknown) => JSON.stringify(fact, (name, value) => (name === 'released' ? undefined : value))
const REST = ['answered', 'closed', 'waiting', 'dead', 'cancelled']

type Client = ReturnType<typeof apiClient>
export type Compared = {
  readonly tickets: number
  /** Of the offline lane: runs that waited for a batch at least once, and the steps at which they did. */
  readonly parked: number
  readonly parkedAt: readonly string[]
  /** Where the lanes came apart: `<ticket> <fact>: <offline> / <standard>`. */
  readonly differences: readonly string[]
}

/** The product on embedded stores with the demo's knowledge, and the simulator for a model. */
export async function startBothLanes(
  redisUrl: string,
  simulatorUrl: string,
  dataDir: string,
  clientOf: (platform: Platform) => Client,
): Promise<{ platform: Platform; client: Client }> {
  const config = {
    ...benchConfig({ redisUrl, databaseUrl: '', dataDir }),
    databaseUrl: undefined,
    openAi: { apiKey: 'simulated', baseUrl: `${simulatorUrl}/v1` },
    logLevel: 'silent' as const,
  }
  const pace = { collectEveryMs: 200, firstPollMs: 100, maxPollMs: 200, wakeEveryMs: 100, leaseMs: 10_000 }
  const batch = { thresholds: { ageMs: 100 }, pace }
  const platform = await startPlatform({ config, roles: { api: true, work: true }, log: createLog('silent'), batch })
  const client = clientOf(platform)
  await loadDemo(platform, client)
  const tenant = (await platform.doors.tenants.get('default'))!
  // Every ticket with a passage goes to the model, and every draft is read by one: what is compared are the lanes, not the judgement.
  const policies = { ...tenant.config.policies, cache: false, minEvidence: 0 }
  const proof = { ...tenant.config.proof, entailment: 'always' as const }
  await platform.doors.tenants.update('default', { config: { ...tenant.config, policies, proof } })
  return { platform, client }
}

type Sent = { readonly id: string; readonly runId: string }

async function send(tickets: readonly DemoTicket[], lane: string, client: Client): Promise<Sent[]> {
  return Promise.all(
    tickets.map(async ({ id, subject, body, channel, requester }) => {
      const ticket = { subject, body, channel, requester: { ...requester, id: `${requester['id']}-${lane}` }, lane }
      const reply = await client.request('POST', '/v1/tickets', ticket)
      return { id, runId: (reply.body as { runId: string }).runId }
    }),
  )
}

/**
 * Each ticket once in either lane, with the same replies of the model.
 * @param untilRest waits until `left` gives an empty list: the runs that are not at rest yet
 */
export async function compareLanes(
  tickets: readonly DemoTicket[],
  { platform, client }: { readonly platform: Platform; readonly client: Client },
  untilRest: (left: () => Promise<string[]>) => Promise<void>,
): Promise<Compared> {
  const { runs } = platform.doors
  const [standard, offline] = [await send(tickets, 'standard', client), await send(tickets, 'offline', client)]
  await untilRest(async () => {
    const all = await Promise.all([...standard, ...offline].map(({ runId }) => runs.load(runId)))
    return all.filter((run) => !REST.includes(run!.status)).map((run) => `${run!.lane} ${run!.step} ${run!.status}`)
  })
  const differences: string[] = []
  const parkedAt = new Set<string>()
  let parked = 0
  for (const [i, { id, runId }] of standard.entries()) {
    const [one, other] = [(await runs.load(runId))!, (await runs.load(offline[i]!.runId))!]
    const differ = (what: string, a: string | undefined, b: string | undefined) => {
      if (a !== b) differences.push(`${id} ${what}: ${a} / ${b}`)
    }
    differ('end', `${other.step} ${other.status}`, `${one.step} ${one.status}`)
    for (const fact of FACTS) differ(fact, known(other.facts[fact]), known(one.facts[fact]))
    const waits = (await runs.attempts('default', other.id)).filter(({ result }) => result === 'parked')
    for (const { step } of waits) parkedAt.add(step)
    if (waits.length > 0) parked++
  }
  return { tickets: tickets.length, parked, parkedAt: [...parkedAt].toSorted(), differences }
}
