import { demoTickets } from '#cli/demo-world.ts'
import { BENCH_KEY } from './bench-config.ts'
import { quantile, rounded } from './figures.ts'
import { PERSISTENCE, startStores } from './private-stores.ts'
import { type BenchReport, machine } from './report.ts'
import { type Side, startSide } from './side.ts'
import type { Converse, Conversed, CutResult, Question } from './sides/stream-load.ts'

/** burst: all begin at once, one question each · paced: people who read and think before they go on, all alive at the same time */
type Pace = 'burst' | 'paced'
type Pacing = Pick<Converse, 'turns' | 'rampSeconds' | 'thinkSeconds' | 'maxSeconds'>
export type StreamOptions = {
  /** Conversations that are open at the same time, each in two modes. */
  readonly conversations: number
  readonly modes: readonly ('before' | 'after')[]
  /** Of the demo's articles, those that are loaded, and of its tickets, those that are tried for questions. */
  readonly articles: number
  readonly questions: number
  /** How long every process may go on with the tenant's settings as they were. */
  readonly settleMs: number
  /** How the conversations come: each reading is made in each mode, and printed under its name. */
  readonly paces: Readonly<Record<Pace, Pacing>>
  readonly idle: number
  readonly cutStreams: number
  readonly cutsPerSecond: number
  readonly cached: number
  readonly firstTokenMs: number
  readonly tokensPerSecond: number
  readonly profileFolder?: string | undefined
  readonly say: (line: string) => void
}
type Sizes = Omit<StreamOptions, 'profileFolder' | 'say'>
const PROVIDER = { firstTokenMs: 200, tokensPerSecond: 50 }
export const FULL_STREAM: Sizes = {
  conversations: 1_000,
  modes: ['after', 'before'],
  articles: 100,
  questions: 40,
  settleMs: 6_000,
  paces: {
    burst: { turns: 1, rampSeconds: 1, thinkSeconds: 0, maxSeconds: 60 },
    // The last begins when the first has two more turns to go; after two and a half minutes nobody asks any more.
    paced: { turns: 4, rampSeconds: 30, thinkSeconds: 30, maxSeconds: 150 },
  },
  idle: 5_000,
  cutStreams: 1_000,
  cutsPerSecond: 15,
  cached: 300,
  ...PROVIDER,
}
export const QUICK_STREAM: Sizes = {
  conversations: 4,
  modes: ['before'],
  articles: 8,
  questions: 4,
  // One setting from the beginning to the end: repeated questions may come from the cache.
  settleMs: 0,
  paces: {
    burst: { turns: 1, rampSeconds: 0.1, thinkSeconds: 0, maxSeconds: 60 },
    paced: { turns: 2, rampSeconds: 1, thinkSeconds: 0.3, maxSeconds: 60 },
  },
  idle: 50,
  cutStreams: 10,
  cutsPerSecond: 10,
  cached: 10,
  firstTokenMs: 50,
  tokensPerSecond: 400,
}

const CUTS = 5

/**
 * Customers in conversations against the product on a simulated provider: API, worker, provider and customers each a process, on
 * private stores. Then: connections that only listen, streams that are cut and resumed, and replies from the cache.
 */
export async function benchStream(options: StreamOptions): Promise<BenchReport> {
  const where = machine()
  const stores = await startStores()
  const { profileFolder, say, firstTokenMs, tokensPerSecond } = options
  const provider = startSide('stream-provider.ts')
  const api = startSide('stream-product.ts', { profileFolder })
  const worker = startSide('stream-product.ts', { profileFolder })
  const load = startSide('stream-load.ts')
  try {
    const { url: providerUrl } = await provider.call<{ url: string }>('open', { firstTokenMs, tokensPerSecond })
    const at = {
      redisUrl: stores.redisUrl,
      databaseUrl: await stores.createDatabase('stream'),
      dataDir: stores.dataDir('stream'),
      providerUrl,
    }
    const { url } = await api.call<{ url: string }>('open', { ...at, role: 'api' })
    await worker.call('open', { ...at, role: 'work' })
    await configure(api, { verify: 'before', cache: false }, { ...options, settleMs: 0 })
    await api.call('load', { articles: options.articles })
    const questions = await answerable(load, api, url, options)
    const provided = await load.call<Pick<Conversed, 'firstTokenMs' | 'fullMs'>>('bare', {
      url: providerUrl,
      n: Math.min(100, options.conversations),
    })
    const talks = await inAllReadings({ api, worker, load, url, questions }, options)
    await configure(api, { verify: 'before', cache: true }, options)
    const hits = await load.call<{ times: number[]; hits: number }>('cached', { url, n: options.cached, question: questions[0] })
    say(
      `cached: p50 ${rounded(quantile(hits.times, 0.5))} ms, p99 ${rounded(quantile(hits.times, 0.99))} ms, ${hits.hits} of ${options.cached} hits`,
    )
    await configure(api, { verify: 'before', cache: false }, options)
    const { url: otherUrl } = await api.call<{ url: string }>('open', { ...at, role: 'api' })
    const cut = await load.call<CutResult>('cut', {
      urls: [url, otherUrl],
      streams: options.cutStreams,
      cuts: CUTS,
      perSecond: options.cutsPerSecond,
      questions,
    })
    say(`cut: ${cut.identical} of ${options.cutStreams} identical, ${cut.resumed} resumptions ${cut.examples.join('\n')}`)
    await worker.stop()
    const idle = await idleConnections(api, load, url, options)
    return summary({ talks, provided, hits, cut, idle, where }, options)
  } finally {
    await Promise.all([api, worker, load, provider].map((side) => side.stop()))
    await stores.stop()
  }
}

type Settings = { readonly verify: 'before' | 'after'; readonly cache: boolean }

async function configure(api: Side, settings: Settings, { settleMs }: StreamOptions): Promise<void> {
  await api.call('configure', settleMs === 0 ? { verify: 'before', cache: true } : settings)
  await new Promise((resolve) => setTimeout(resolve, settleMs))
}

/** The demo's tickets that this provider's drafts answer, each asked once; that also warms everything up. */
async function answerable(load: Side, api: Side, url: string, options: StreamOptions): Promise<Question[]> {
  await configure(api, { verify: 'before', cache: false }, options)
  const candidates = demoTickets()
    .filter(({ expect }) => expect === 'answered')
    .slice(0, options.questions)
  const good: Question[] = []
  for (const { subject, body } of candidates) {
    const question = { subject, body }
    const one = await load.call<Conversed>('converse', {
      url,
      conversations: 1,
      ...{ turns: 1, rampSeconds: 0, thinkSeconds: 0, maxSeconds: 60 },
      questions: [question],
      name: `warm-${good.length}-${subject.length}-${body.length}`,
    })
    if (one.statuses['answered'] === 1) good.push(question)
  }
  options.say(`${good.length} of ${candidates.length} questions are answered by this provider and used`)
  if (good.length === 0) throw new Error('none of the questions is answered')
  return good
}

type World = {
  readonly api: Side
  readonly worker: Side
  readonly load: Side
  readonly url: string
  readonly questions: readonly Question[]
}
type Talks = { readonly [pace in Pace]: { before?: Talk; after?: Talk } }
type Talk = Conversed & { readonly apiCpuSeconds: number; readonly workerCpuSeconds: number }

async function inAllReadings({ api, worker, load, url, questions }: World, options: StreamOptions): Promise<Talks> {
  const talks: Talks = { burst: {}, paced: {} }
  for (const verify of options.modes) {
    await configure(api, { verify, cache: false }, options)
    for (const pace of ['paced', 'burst'] as const) {
      const [apiCpu, workerCpu] = [await api.call<number>('cpu'), await worker.call<number>('cpu')]
      const conversations = { conversations: options.conversations, ...options.paces[pace] }
      const talk = await load.call<Conversed>('converse', { url, questions, name: `${verify}-${pace}`, ...conversations })
      const one = {
        ...talk,
        apiCpuSeconds: (await api.call<number>('cpu')) - apiCpu,
        workerCpuSeconds: (await worker.call<number>('cpu')) - workerCpu,
      }
      talks[pace][verify] = one
      options.say(`${pace}, verify ${verify}: ${JSON.stringify(told(one))} ${talk.errors.slice(0, 3).join('; ')}`)
    }
  }
  return talks
}

const times = (values: readonly number[]) => ({ p50: rounded(quantile(values, 0.5)), p99: rounded(quantile(values, 0.99)) })

const told = (talk: Talk) => ({
  firstTokenMs: times(talk.firstTokenMs),
  fullMs: times(talk.fullMs),
  replies: talk.fullMs.length,
  statuses: talk.statuses,
  errors: talk.statuses['error'] ?? 0,
  peakStreaming: talk.peakStreaming,
  peakAlive: talk.peakAlive,
  unasked: talk.unasked,
  repliesPerSecond: rounded(talk.fullMs.length / talk.seconds),
  apiCpuMsPerReply: rounded((talk.apiCpuSeconds * 1_000) / talk.fullMs.length),
  workerCpuMsPerReply: rounded((talk.workerCpuSeconds * 1_000) / talk.fullMs.length),
})

type Memory = { readonly rss: number; readonly heap: number }
const kbEach = (before: Memory, after: Memory, n: number) => ({
  rss: rounded((after.rss - before.rss) / n / 1_000),
  heap: rounded((after.heap - before.heap) / n / 1_000),
})

/** Nobody works on these tickets, so nothing happens on their streams. */
async function idleConnections(api: Side, load: Side, url: string, { idle, say }: StreamOptions) {
  const ticketIds = await waitingTickets(url, idle)
  const bare = startSide('stream-bare.ts')
  try {
    const { url: bareUrl } = await bare.call<{ url: string }>('open')
    const measure = async (side: Side, target: string) => {
      // The first connections find cold code.
      await load.call('hold', { url: target, ticketIds: ticketIds.slice(0, Math.min(200, idle)) })
      await load.call('letGo')
      const before = await side.call<Memory>('memory')
      const open = await load.call<number>('hold', { url: target, ticketIds })
      const after = await side.call<Memory>('memory')
      await load.call('letGo')
      return { open, kbEach: kbEach(before, after, idle) }
    }
    const figures = { ours: await measure(api, url), bare: await measure(bare, bareUrl) }
    say(`idle: ${JSON.stringify(figures)}`)
    return figures
  } finally {
    await bare.stop()
  }
}

async function waitingTickets(url: string, n: number): Promise<string[]> {
  const lines = Array.from({ length: n }, (_, i) =>
    JSON.stringify({ body: `I wait for number ${i}.`, requester: { id: `idle-${i}` } }),
  )
  const headers = { authorization: `Bearer ${BENCH_KEY}`, 'content-type': 'application/x-ndjson' }
  const response = await fetch(`${url}/v1/tickets/bulk`, { method: 'POST', headers, body: lines.join('\n') })
  return [...(await response.text()).matchAll(/"ticketId":"(\w+)"/g)].map(([, id]) => id!)
}

type Figures = {
  readonly talks: Talks
  readonly provided: Pick<Conversed, 'firstTokenMs' | 'fullMs'>
  readonly hits: { readonly times: number[]; readonly hits: number }
  readonly cut: CutResult
  readonly idle: Awaited<ReturnType<typeof idleConnections>>
  readonly where: string
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

function talked(talk: Talks[Pace]) {
  const [before, after] = [talk.before && told(talk.before), talk.after && told(talk.after)]
  if (!before || !after) return { ...(before ? { before } : {}), ...(after ? { after } : {}) }
  const addedByProofMs = {
    firstToken: rounded(before.firstTokenMs.p50 - after.firstTokenMs.p50),
    full: rounded(before.fullMs.p50 - after.fullMs.p50),
  }
  return { before, after, addedByProofMs }
}

function summary({ talks, provided, hits, cut, idle, where }: Figures, options: StreamOptions): BenchReport {
  const { say: _say, profileFolder: _folder, ...sizes } = options
  const all = Object.values(talks).flatMap((talk) => Object.values(talk))
  const { before, after } = talks.paced
  // Resident memory says less where freed heap is taken again: the larger of both is what counts.
  const each = ({ rss, heap }: { readonly rss: number; readonly heap: number }) => Math.max(rss, heap)
  const [value, baseline] = [each(idle.ours.kbEach), each(idle.bare.kbEach)]
  return {
    name: 'stream',
    value,
    unit: 'KB per idle SSE connection',
    baseline,
    ratio: rounded(value / baseline),
    ...told((after ?? before)!).firstTokenMs,
    quantilesOf: 'milliseconds from a chat request to its first text, paced, verify "after"; the others stand below',
    n: options.conversations,
    machine: where,
    persistence: PERSISTENCE,
    sizes,
    provider: { firstTokenMs: times(provided.firstTokenMs), fullMs: times(provided.fullMs) },
    ...talked(talks.paced),
    burst: talked(talks.burst),
    eventsPerSecond: rounded(sum(all.map(({ chunks }) => chunks)) / sum(all.map(({ seconds }) => seconds))),
    cached: { ...times(hits.times), hits: hits.hits, n: hits.times.length },
    cut: { streams: options.cutStreams, cutsEach: CUTS, identical: cut.identical, resumed: cut.resumed, events: cut.events },
    idle: { connections: idle.ours.open, kbEach: idle.ours.kbEach, bareKbEach: idle.bare.kbEach },
    notes: 'baseline is the same number of event streams held by a bare node:http server in the same run',
  }
}
