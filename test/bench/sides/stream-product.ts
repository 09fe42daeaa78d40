import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { apiClient } from '#cli/client.ts'
import { demoArticles, withDemoConfig } from '#cli/demo-world.ts'
import { type Platform, startPlatform } from '#cli/platform.ts'
import { DocumentView } from '#cli/views.ts'
import { TenantConfig } from '#shared/domain/tenant.ts'
import { createLog } from '#shared/wiring.ts'
import { until } from '#test/chaos/until.ts'
import { BENCH_KEY, benchConfig } from '../bench-config.ts'
import { answerCalls } from '../side.ts'

/** One or more processes' worth of the product: API or workers, as `answerline api` and `answerline work` run them. */
type Opening = Parameters<typeof benchConfig>[0] & { readonly role: 'api' | 'work'; readonly providerUrl: string }

const platforms: Platform[] = []

async function open({ role, providerUrl, ...where }: Opening): Promise<{ url: string }> {
  const config = { ...benchConfig(where), openAi: { apiKey: 'simulated', baseUrl: `${providerUrl}/v1` } }
  const platform = await startPlatform({ config, roles: { api: role === 'api', work: role === 'work' }, log: createLog('error') })
  platforms.push(platform)
  return { url: platform.url }
}

/** So many of the demo's articles, and its examples; needs a worker elsewhere. */
async function load({ articles }: { readonly articles: number }): Promise<void> {
  const { tenants } = platforms[0]!.doors
  await tenants.update('default', { config: withDemoConfig((await tenants.get('default'))!.config) })
  const client = apiClient(platforms[0]!.url, BENCH_KEY)
  const some = demoArticles().slice(0, articles)
  for (const article of some) await client.request('POST', '/v1/documents', article)
  for (const { id } of some) {
    const isIndexed = async () =>
      DocumentView.parse((await client.request('GET', `/v1/documents/${id}`)).body).state === 'indexed'
    await until(`article ${id} is indexed`, 120_000, isIndexed)
  }
}

const BOUNDLESS = { ticketsPerMinute: 1e9, ticketsPerMinutePerUser: 1e9, maxBacklog: 1e9, searchesPerMinute: 1e9 }

/** No limit of a tenant shall have a part in the figure. */
async function configure({ verify, cache }: { readonly verify: 'before' | 'after'; readonly cache: boolean }): Promise<void> {
  const { tenants } = platforms[0]!.doors
  const { config } = (await tenants.get('default'))!
  const changed = {
    ...config,
    limits: { ...config.limits, ...BOUNDLESS },
    policies: { ...config.policies, cache },
    streaming: { ...config.streaming, verify },
  }
  await tenants.update('default', { config: TenantConfig.parse(changed) })
}

/** Resident, in bytes, after everything that can be collected has been. */
async function memory(): Promise<{ rss: number; heap: number }> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 4; i++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rss, heap: heapUsed + external }
}

const cpu = async (): Promise<number> => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

answerCalls({ open, load, configure, memory, cpu }, async () => {
  for (const platform of platforms) await platform.stop()
})
