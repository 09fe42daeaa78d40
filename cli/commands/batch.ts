import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { readConfig } from '#shared/config.ts'
import { type Client, localClient } from '../client.ts'
import { startProgress } from '../progress.ts'
import { problemText } from '../views.ts'

const Batch = z.object({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  state: z.string(),
  providerStatus: z.string().nullable(),
  requests: z.int(),
  completed: z.int(),
  answered: z.int(),
  failed: z.int(),
  spilled: z.int(),
  waiting: z.int(),
  costUsd: z.number(),
  createdAt: z.string(),
})
const Overview = z.object({
  waiting: z.array(z.object({ provider: z.string(), model: z.string(), requests: z.int(), oldestSeconds: z.number() })),
  batches: z.array(Batch),
  figures: z.object({
    requests: z.array(z.object({ state: z.string(), count: z.int() })),
    spillRatio: z.number(),
    costUsd: z.number(),
    savedUsd: z.number(),
  }),
})
type Overview = z.infer<typeof Overview>

const LOOK_EVERY_MS = 2_000
const BAR_CHARACTERS = 24
const OPEN = ['queued', 'packed']

/** @returns the exit code */
export async function batchStatus(now: Date = new Date()): Promise<number> {
  const overview = await overviewOf(await localClient(readConfig()))
  if (typeof overview === 'string') return failed(overview)
  for (const line of statusLines(overview, now)) console.log(line)
  return 0
}

/** Packs whatever waits now and follows it until nothing of the offline lane is open. */
export async function batchRun(): Promise<number> {
  const client = await localClient(readConfig())
  const { status, body } = await client.request('POST', '/v1/batches/run', {})
  if (status !== 202) return failed(problemText(status, body))
  const { packed } = z.object({ packed: z.int() }).parse(body)
  console.error(`answerline: ${packed} ${packed === 1 ? 'batch' : 'batches'} packed`)
  let progress: ReturnType<typeof startProgress> | undefined
  let total = 0
  for (;;) {
    const overview = await overviewOf(client)
    if (typeof overview === 'string') return failed(overview)
    const open = countOf(overview, OPEN)
    total = Math.max(total, open)
    progress ??= total > 0 ? startProgress('offline requests', total) : undefined
    progress?.update(total - open)
    if (open === 0) {
      progress?.stop()
      console.log(summary(overview))
      return 0
    }
    await sleep(LOOK_EVERY_MS)
  }
}

async function overviewOf(client: Client): Promise<Overview | string> {
  const { status, body } = await client.request('GET', '/v1/batches?limit=50')
  return status === 200 ? Overview.parse(body) : problemText(status, body)
}

const countOf = ({ figures }: Overview, states: readonly string[]) =>
  figures.requests.filter(({ state }) => states.includes(state)).reduce((sum, { count }) => sum + count, 0)

export function statusLines(overview: Overview, now: Date): string[] {
  const lines = overview.waiting.map(
    ({ provider, model, requests, oldestSeconds }) =>
      `waiting    ${provider} ${model}: ${requests} ${requests === 1 ? 'request' : 'requests'}, the oldest for ${age(oldestSeconds)}`,
  )
  for (const batch of overview.batches) {
    const done = batch.state === 'done' ? batch.requests : batch.completed
    const state = batch.state === 'submitted' ? (batch.providerStatus ?? batch.state) : batch.state
    const seconds = (now.getTime() - Date.parse(batch.createdAt)) / 1_000
    const endings = `${batch.answered} answered, ${batch.spilled} asked synchronously, ${batch.failed} for a person`
    lines.push(
      `${state.padEnd(11)}${bar(done, batch.requests)} ${done}/${batch.requests}  ${batch.id}  ${batch.provider} ${batch.model}, ${age(seconds)} ago, $${batch.costUsd.toFixed(4)}; ${endings}`,
    )
  }
  return [...lines, summary(overview)]
}

function summary(overview: Overview): string {
  const { spillRatio, costUsd, savedUsd } = overview.figures
  if (overview.figures.requests.length === 0) return 'the offline lane has asked for nothing yet'
  return `${countOf(overview, OPEN)} open, ${countOf(overview, ['answered'])} answered, ${(spillRatio * 100).toFixed(1)} % asked synchronously; $${costUsd.toFixed(4)} paid, $${savedUsd.toFixed(4)} saved`
}

function bar(done: number, total: number): string {
  const filled = total === 0 ? BAR_CHARACTERS : Math.round((Math.min(done, total) / total) * BAR_CHARACTERS)
  return '█'.repeat(filled) + '░'.repeat(BAR_CHARACTERS - filled)
}

function age(seconds: number): string {
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`
}

function failed(why: string): number {
  console.error(`answerline: ${why}`)
  return 1
}
