import { Redis } from 'ioredis'
import { createRedisAnswerCache } from '#shared/adapters/state/answer-cache.redis.ts'
import { createCacheEvidence } from '#shared/adapters/state/answer-cache-evidence.postgres.ts'
import { createKnowledge } from '#shared/adapters/state/document-store.postgres.ts'
import { Database } from '#shared/database/client.ts'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { migrate } from '#shared/database/migrate.ts'
import { sampleAnswer, sampleScreened, sampleTenant, sampleTicket, sampleVerdict } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { startRedis } from '#test/servers/redis.ts'
import { seededRandom } from '#test/simulator/seeded-random.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { keyOf, partitionOf, questionOf, recall } from '#workers/steps/recall.ts'
import { quantile, rounded } from './figures.ts'
import { type BenchReport, machine } from './report.ts'

export const FULL_CACHE = { entries: 10_000, lookups: 3_000, probes: 100_000 }
export const QUICK_CACHE = { entries: 500, lookups: 200, probes: 500 }
const PROBES_AT_ONCE = 50
type Options = typeof FULL_CACHE & { readonly say: (line: string) => void }

const PLACES = ['acme', 'globex', 'initech'].flatMap((tenantId) =>
  (['free', 'standard', 'enterprise'] as const).flatMap((tier) =>
    ['en', 'de', 'fr'].map((language) => ({ tenantId, tier, language })),
  ),
)
const [VERBS, THINGS, ROOMS] = [
  'reset pair rename move share update mount charge silence calibrate'.split(' '),
  'sensor plug camera bridge doorbell thermostat siren bulb lock speaker'.split(' '),
  'kitchen garage attic cellar office garden hallway bedroom balcony workshop'.split(' '),
]

type Place = (typeof PLACES)[number]
type World = Awaited<ReturnType<typeof openWorld>>

/** The step `recall` on a real Redis and PGlite: how long it takes in a full partition, and whether one partition ever sees another. */
export async function benchCache({ entries, lookups, probes, say }: Options): Promise<BenchReport> {
  const where = machine()
  const world = await openWorld()
  try {
    for (let n = 0; n < entries; n++) await world.put(PLACES[0]!, question(n))
    for (let n = 0; n < Math.ceil(entries / 500) + 100; n++) await world.ask(PLACES[0]!, `${question(n)} Now`)
    say(`${entries} entries are known`)
    const times = await timed(world, entries, lookups)
    say(`${lookups} lookups are timed`)
    const { hits, crossed } = await probed(world, probes, say)
    const all = Object.values(times).flat()
    const p99 = (list: readonly number[]) => rounded(quantile(list, 0.99))
    return {
      name: 'cache',
      value: p99(all),
      unit: 'ms',
      baseline: null,
      ratio: null,
      p50: rounded(quantile(all, 0.5)),
      p99: p99(all),
      n: lookups,
      machine: where,
      p99ByKind: { exact: p99(times.exact), similar: p99(times.similar), miss: p99(times.miss) },
      entries,
      probes: { n: probes, hits, crossPartitionHits: crossed },
      notes:
        'value is the p99 of the whole step recall in a partition of that many entries, on a real Redis and PGlite; target 20 ms',
    }
  } finally {
    await world.close()
  }
}

async function openWorld() {
  const server = await startRedis()
  const redis = new Redis(server.socket)
  const database = new Database(await openPgliteInMemory())
  await migrate(database)
  const cache = createRedisAnswerCache(redis, 'bench')
  const deps = {
    cache,
    cacheEvidence: createCacheEvidence(database),
    knowledge: createKnowledge(database),
    prompts: loadPrompts(),
  }
  const random = seededRandom(7)
  return {
    random,
    pick: <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!,
    ask(place: Place, text: string) {
      const tenant = sampleTenant({ cache: { similar: 'reference' } }, place.tenantId)
      const screened = sampleScreened({ subject: '', text, language: place.language })
      return recall({ ticket: sampleTicket(place), screened }, deps, stepContext({ tenant, random }))
    },
    async put(place: Place, text: string) {
      const screened = sampleScreened({ subject: '', text, language: place.language })
      const version = await deps.knowledge.version(place.tenantId)
      const partition = partitionOf(place, screened, version, deps.prompts['draft-answer'].hash, sampleTenant().config)
      const answer = sampleAnswer({ text: JSON.stringify(place), citations: [] })
      const cached = { answer, verdict: sampleVerdict('deliver'), ticketId: 't', sources: [], question: questionOf(screened) }
      await cache.put(place.tenantId, partition, keyOf(screened), cached, 3_600_000)
    },
    async close() {
      redis.disconnect()
      await database.close()
      await server.stop()
    },
  }
}

const question = (n: number) => {
  const [verb, thing, room] = [VERBS[n % 10], THINGS[Math.floor(n / 10) % 10], ROOMS[Math.floor(n / 100) % 10]]
  return `How do I ${verb} the ${thing} in the ${room} of ${wordFor(Math.floor(n / 1_000))}?`
}

async function timed({ ask, random }: World, entries: number, lookups: number) {
  const times = { exact: [] as number[], similar: [] as number[], miss: [] as number[] }
  for (let n = 0; n < lookups; n++) {
    const kind = (['exact', 'similar', 'miss'] as const)[n % 3]!
    const base = question(Math.floor(random() * entries))
    const other = `Where is the invoice number ${n} of my order?`
    const text = kind === 'exact' ? base : kind === 'similar' ? base.replace('How do I', 'How can I') : other
    const startedAt = performance.now()
    await ask(PLACES[0]!, text)
    times[kind].push(performance.now() - startedAt)
  }
  return times
}

/** Few questions in many partitions, so that each finds what it must not see in nearly all others. */
async function probed({ ask, put, pick, random }: World, probes: number, say: Options['say']) {
  let [crossed, hits] = [0, 0]
  const probe = async () => {
    const place = pick(PLACES)
    const text = question(Math.floor(random() * 40)).replace('How do', pick(['How do', 'How can', 'Please, how do']))
    const { outcome, facts } = await ask(place, text)
    if (outcome !== 'hit') return
    hits++
    const from = JSON.parse(facts.answer.text) as Place
    if (from.tenantId !== place.tenantId || from.tier !== place.tier || from.language !== place.language) crossed++
  }
  for (let n = 0; n < probes; n += PROBES_AT_ONCE) {
    if (n % 1_000 < PROBES_AT_ONCE) for (const place of PLACES) await put(place, question(Math.floor(random() * 40)))
    await Promise.all(Array.from({ length: Math.min(PROBES_AT_ONCE, probes - n) }, probe))
    if (n % 20_000 < PROBES_AT_ONCE) say(`${n} probes`)
  }
  return { crossed, hits }
}

const wordFor = (n: number) => ['alder', 'birch', 'cedar', 'elm', 'fir', 'hazel', 'larch', 'maple', 'oak', 'pine'][n % 10]!
