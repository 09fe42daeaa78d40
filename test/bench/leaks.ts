import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type Installation, startProcesses } from '#test/chaos/installation.ts'
import { until } from '#test/chaos/until.ts'
import { startOtlpReceiver } from '#test/servers/otlp-receiver.ts'
import { seededRandom } from '#test/simulator/seeded-random.ts'
import { type BenchReport, machine } from './report.ts'

/** Simulated models answer as slowly as real ones: with them ten thousand tickets take an hour. */
export const FULL_LEAKS = { tickets: 10_000, models: false }
export const QUICK_LEAKS = { tickets: 20, models: true }
type Options = { readonly tickets: number; readonly models: boolean; readonly say: (line: string) => void }

const NO_MODELS = { OPENAI_API_KEY: '', OPENAI_BASE_URL: '' }
const GIVEN = ['Margaret', 'Thomas', 'Patricia', 'Daniel', 'Laura', 'Kevin', 'Sandra', 'Brian']
const FAMILY = ['Quillfeather', 'Ostrander', 'Vandermolen', 'Haverkamp', 'Tillotson', 'Brackenridge']

type Sent = {
  readonly body: string
  readonly requester: { id: string; name: string; email: string }
  readonly metadata: { readonly crm: string }
  readonly values: readonly string[]
  /** What no mask knows to be personal: it may be read wherever masked text may, but not in the database. */
  readonly unknowable: string
}

/** A message that holds known personal data, every value with digits or letters of its own, so that finding one is finding a leak. */
export function personalTicket(n: number, random: () => number): Sent {
  const digits = (count: number) => Array.from({ length: count }, () => Math.floor(random() * 10)).join('')
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)]!
  const name = `${pick(GIVEN)} ${pick(FAMILY)}${'abcdefghij'[n % 10]}${'klmnopqrst'[Math.floor(n / 10) % 10]}`
  const email = `p${n}.${digits(5)}@leaktest.example`
  const phone = `+49 30 ${digits(3)}${String(n).padStart(5, '7')}`
  const card = cardNumber(`4${digits(14)}`)
  const ssn = `4${digits(2)}-${10 + Math.floor(random() * 89)}-${1000 + (n % 9000)}`
  const secret = `hunter${digits(8)}x`
  const address = `203.0.113.${1 + (n % 250)}`
  const told = [
    [`My phone number is ${phone}.`, phone],
    [`I paid with card ${card}.`, card],
    [`My SSN is ${ssn}.`, ssn],
    [`My password is ${secret}.`, secret],
    [`The login came from ${address}, is that you?`, address],
  ] as const
  const some = told.filter(() => random() < 0.6)
  const unknowable = `zq${digits(7)}v`
  return {
    body: [
      `Hello, my name is ${name}, write to ${email}.`,
      ...some.map(([sentence]) => sentence),
      `My cat is called ${unknowable}.`,
      n % 5 === 1 ? 'Do you sell saddles for ostriches?' : 'How long does the warranty of the Aurora kettle last?',
    ].join(' '),
    requester: { id: `leak-${n % 500}`, name, email },
    metadata: { crm: email },
    values: [name, email, ...some.map(([, value]) => value)],
    unknowable,
  }
}

function cardNumber(start: string): string {
  for (let check = 0; ; check++) {
    const sum = [...`${start}${check}`].reverse().reduce((total, digit, at) => {
      const value = Number(digit) * (at % 2 === 1 ? 2 : 1)
      return total + (value > 9 ? value - 9 : value)
    }, 0)
    if (sum % 10 === 0) return `${start}${check}`
  }
}

async function* databaseText(installation: Installation): AsyncGenerator<readonly [string, string]> {
  const tables = await installation.query(
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'",
  )
  for (const { table_name: table } of tables) {
    for (const { row } of await installation.query(`SELECT to_jsonb(t) AS row FROM "${String(table)}" t`)) {
      const kept = (typeof row === 'string' ? JSON.parse(row) : row) as Record<string, unknown>
      const { facts_written: facts, ...columns } = kept
      for (const [name, fact] of Object.entries((facts ?? {}) as object))
        yield [`table ${String(table)}, fact ${name}`, JSON.stringify(fact)]
      yield [`table ${String(table)}`, JSON.stringify(columns)]
    }
  }
}

/** Every key with its whole value, whatever its type. */
async function* redisText(socket: string): AsyncGenerator<readonly [string, string]> {
  const redis = new Redis({ path: socket })
  try {
    for await (const keys of redis.scanStream({ count: 500 }) as AsyncIterable<string[]>)
      for (const key of keys)
        yield [`redis ${key.split(':').slice(0, 2).join(':')}`, `${key} ${JSON.stringify(await contentOf(redis, key))}`]
  } finally {
    redis.disconnect()
  }
}

async function contentOf(redis: Redis, key: string): Promise<unknown> {
  const kind = await redis.type(key)
  if (kind === 'string') return redis.get(key)
  if (kind === 'hash') return redis.hgetall(key)
  if (kind === 'list') return redis.lrange(key, 0, -1)
  if (kind === 'set') return redis.smembers(key)
  if (kind === 'zset') return redis.zrange(key, '0', '-1')
  if (kind === 'stream') return redis.xrange(key, '-', '+')
  return ''
}

function* fileText(folder: string): Generator<readonly [string, string]> {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    if (statSync(path).isFile()) yield [`file ${name}`, readFileSync(path).toString('latin1')]
  }
}

/**
 * Sends tickets that hold known personal data through an installation of several processes, then looks for every raw value
 * in everything it wrote: logs, Redis, all tables, traces, files of the search index.
 */
export async function findLeaks({ tickets, models, say }: Options) {
  const traces = await startOtlpReceiver()
  const installation = await startProcesses(() => ({ OTEL_EXPORTER_OTLP_ENDPOINT: traces.url, ...(models ? {} : NO_MODELS) }))
  try {
    const random = seededRandom(8)
    const sent = Array.from({ length: tickets }, (_, n) => personalTicket(n, random))
    const sender = installation.newSender()
    const queue = [...sent.entries()]
    const post = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [n, { body, requester, metadata }] = next
        const response = await sender.request(
          'north',
          'POST',
          '/v1/tickets',
          { subject: '', body, requester, metadata, ...(n % 4 === 0 ? { conversationId: `leak-${n}` } : {}) },
          { 'idempotency-key': `leak-${n}` },
        )
        if (response.status === 429 || response.status === 503) queue.push(next)
        else if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`)
        if (n % 1_000 === 999) say(`${n + 1} of ${tickets} sent`)
      }
    }
    await Promise.all(Array.from({ length: 10 }, post))
    const open =
      "SELECT count(*)::int AS n FROM runs WHERE subject_id LIKE 'tkt%' AND status IN ('queued', 'running', 'delayed', 'parked')"
    const left = async () => Number((await installation.query(open))[0]?.n)
    // What is under way must not leak either: what is found counts, however far the tickets have come.
    await until('every ticket is at rest', 60_000 + tickets * 30, async () => (await left()) === 0).catch((error) =>
      say(String(error)),
    )
    const count = async (sql: string) => Number((await installation.query(`SELECT count(*)::int AS n FROM ${sql}`))[0]?.n)
    const went = {
      underWay: await left(),
      screened: await count("attempts WHERE step = 'screen' AND result IN ('clean', 'blocked')"),
      answered: await count("runs WHERE subject_id LIKE 'tkt%' AND status = 'answered'"),
      sealed: await count("attempts WHERE facts_written::text LIKE '%sealed.v1.%'"),
    }
    return { ...went, ...(await grep(installation, sent, traces.bodies)) }
  } finally {
    await installation.stop()
    await traces.close()
  }
}

async function grep(installation: Installation, sent: readonly Sent[], bodies: readonly string[]) {
  const values = new Set(sent.flatMap((one) => one.values))
  const unknowable = new Set(sent.map((one) => one.unknowable))
  const leaks = new Map<string, number>()
  const looked: Record<string, number> = {}
  const look = (place: string, text: string) => {
    const kind = place.split(' ')[0]!
    looked[kind] = (looked[kind] ?? 0) + 1
    for (const word of candidatesIn(text))
      if (values.has(word) || (kind === 'table' && unknowable.has(word))) leaks.set(place, (leaks.get(place) ?? 0) + 1)
  }
  for await (const [place, text] of databaseText(installation)) look(place, text)
  for await (const [place, text] of redisText(installation.redis.socket)) look(place, text)
  for (const body of bodies) look('traces', body)
  for (const [place, text] of fileText(installation.folder)) look(place, text)
  return { leaks: Object.fromEntries(leaks), looked, values: values.size }
}

/** What may be one of the values, by its form: one pass over a text instead of one per value. */
const FORMS =
  /p\d+\.\d{5}@leaktest\.example|\+49 30 \d{8,}|4\d{15}|4\d\d-\d\d-\d{4}|hunter\d{8}x|zq\d{7}v|203\.0\.113\.\d{1,3}|[A-Z][a-z]+ (?:Quillfeather|Ostrander|Vandermolen|Haverkamp|Tillotson|Brackenridge)[a-j][k-t]/g
export const candidatesIn = (text: string): string[] => text.match(FORMS) ?? []

export async function benchLeaks(options: Options): Promise<BenchReport> {
  const startedAt = performance.now()
  const where = machine()
  const found = await findLeaks(options)
  const total = Object.values(found.leaks).reduce((sum, count) => sum + count, 0)
  const tookMs = Math.round(performance.now() - startedAt)
  return {
    name: 'leaks',
    value: total,
    unit: 'raw values found',
    baseline: null,
    ratio: null,
    p50: tookMs,
    p99: tookMs,
    quantilesOf: 'the whole run, ms',
    n: options.tickets,
    machine: where,
    ...found,
  }
}
