import { TenantConfig } from '#shared/domain/tenant.ts'
import { createLog, type Doors, openDoors } from '#shared/wiring.ts'
import { benchConfig } from '../bench-config.ts'
import { draftRequestOf } from '../gateway-request.ts'
import { answerCalls } from '../side.ts'
import { steadyLoad } from '../steady-load.ts'

/** The product's own model door, as the wiring makes it: journal, budget, routing, fallback, breaker, and the SDK at the end. */
type Where = { readonly redisUrl: string; readonly databaseUrl: string; readonly dataDir: string; readonly providerUrl: string }

let doors: Doors
/** As a step does, which moves its run on when its calls are recorded. */
const written: Promise<void>[] = []
const NO_ABORT = new AbortController().signal

async function open({ providerUrl, ...where }: Where): Promise<void> {
  const config = { ...benchConfig(where), openAi: { apiKey: 'simulated', baseUrl: `${providerUrl}/v1` } }
  doors = await openDoors({ config, redisUrl: where.redisUrl, queueNames: [], log: createLog('warn'), prefix: 'bench-gateway' })
  await doors.tenants.create({ id: 'default', name: 'Bench', config: TenantConfig.parse({}), createdAt: doors.clock.now() })
}

const fire = ({ round, perSecond, seconds }: { round: string; perSecond: number; seconds: number }) =>
  steadyLoad({ perSecond, seconds }, async (i) => {
    const reply = await doors.llm.generate(
      draftRequestOf(round, i, (work) => written.push(work)),
      { signal: NO_ABORT },
    )
    if (reply.provider !== 'openai') throw new Error(`answered by ${reply.provider}: ${JSON.stringify(reply.passedOver)}`)
  })

/** What really was written, so that a figure without its journal cannot pass. */
async function recorded(): Promise<{ calls: number; costUsd: number }> {
  await Promise.all(written)
  const [row] = await doors.database.asSystem('bench', 'SELECT count(*) AS n, sum(cost_usd) AS usd FROM model_calls', [])
  return { calls: Number(row!['n']), costUsd: Number(row!['usd']) }
}

answerCalls({ open, fire, recorded }, async () => doors?.close())
