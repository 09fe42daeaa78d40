import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { anthropicMessages } from './anthropic-messages.ts'
import { BatchPlan } from './batch-plan.ts'
import type { Exchange } from './exchange.ts'
import type { Fault } from './faults.ts'
import { openAiChat } from './openai-chat.ts'
import { openAiEmbeddings } from './openai-embeddings.ts'
import { seededRandom } from './seeded-random.ts'
import type { Handler, World } from './world.ts'

export type BatchItem = { readonly customId: string; readonly url: string; readonly body: unknown; readonly hash: string }
export type ItemResult =
  | { readonly customId: string; readonly kind: 'served'; readonly status: number; readonly body: unknown }
  | { readonly customId: string; readonly kind: 'expired' | 'cancelled' }
export type SimulatedBatch = {
  readonly id: string
  readonly number: number
  readonly createdAtMs: number
  readonly items: readonly BatchItem[]
  readonly results: ItemResult[]
  status: 'validating' | 'failed' | 'in_progress' | 'finalizing' | 'completed' | 'expired' | 'cancelling' | 'cancelled'
  problems: { code: string; message: string; line: number | null }[]
  /** The lines of results as they are sent, made once. */
  lines: string[] | undefined
}
export type BatchFigures = {
  readonly batches: number
  readonly accepted: number
  /** Requests in accepted batches, and how many of them (same address, same body) had been in one before. */
  readonly submitted: number
  readonly submittedTwice: number
  readonly served: number
}

const HANDLERS: Readonly<Record<string, Handler>> = {
  '/v1/chat/completions': openAiChat,
  '/v1/embeddings': openAiEmbeddings,
  '/v1/messages': anthropicMessages,
}
/** So many requests in a row before others get a turn. */
const PORTION = 50

const LOOK_EVERY_MS = 20

/** As long as the plan wants, which may change its mind meanwhile: a test can hold a batch for as long as it needs. */
async function pause(wantedMs: () => number): Promise<void> {
  const startedAt = performance.now()
  for (let restMs = wantedMs(); restMs > 0; restMs = wantedMs() - (performance.now() - startedAt))
    await sleep(Math.min(restMs, LOOK_EVERY_MS))
}

export const hashOf = (url: string, body: string) => createHash('sha1').update(`${url}\n${body}`).digest('hex')

/** What both simulated batch APIs share: a world of batches that are worked on in the background. */
export function createBatchWork(world: World, seed: number) {
  let plan = BatchPlan.parse({})
  const batches: SimulatedBatch[] = []
  const seen = new Set<string>()
  const figures = { batches: 0, accepted: 0, submitted: 0, submittedTwice: 0, served: 0 }
  const meter = { ...world.meter, bill: (model: string, usage: never) => world.meter.bill(model, usage, true) }
  const billing: World = { ...world, meter: meter as World['meter'] }

  function accept(batch: SimulatedBatch): void {
    figures.accepted++
    for (const { hash } of batch.items) {
      figures.submitted++
      if (seen.has(hash)) figures.submittedTwice++
      seen.add(hash)
    }
  }

  async function serve(item: BatchItem): Promise<ItemResult> {
    const { customId, url, body, hash } = item
    const dice = seededRandom((Number.parseInt(hash.slice(0, 8), 16) ^ seed) >>> 0)()
    const { itemErrors, refusals, wrongShapes } = plan
    if (dice < itemErrors) return { customId, kind: 'served', ...errorOf(url, dice < itemErrors / 2 ? 500 : 429) }
    const fault =
      dice < itemErrors + refusals ? 'refusal' : dice < itemErrors + refusals + wrongShapes ? 'wrong_schema' : undefined
    const captured = await capture(HANDLERS[url]!, body, billing, fault)
    return { customId, kind: 'served', ...captured }
  }

  /** Works through a batch as its provider would; whatever it does can be seen at any time. */
  async function work(batch: SimulatedBatch): Promise<void> {
    await sleep(plan.validatingMs)
    if (plan.reject.includes(batch.number)) {
      const lines = plan.rejectedLines.length > 0 ? plan.rejectedLines : [null]
      batch.problems.push(...lines.map((line) => ({ code: 'invalid_json_line', message: 'This line is not valid.', line })))
    }
    if (batch.problems.length > 0) return end(batch, 'failed')
    accept(batch)
    if (batch.status === 'validating') batch.status = 'in_progress'
    const total = plan.expire.includes(batch.number) ? Math.floor(batch.items.length / 2) : batch.items.length
    for (let i = 0; i < total && batch.status === 'in_progress'; i += PORTION) {
      const portion = batch.items.slice(i, Math.min(i + PORTION, total))
      for (const item of portion) batch.results.push(await serve(item))
      figures.served += portion.length
      await pause(() => (batch.status === 'cancelling' ? 0 : (portion.length / plan.requestsPerSecond) * 1_000))
    }
    const cancelled = batch.status === 'cancelling'
    const rest = batch.items.slice(batch.results.length)
    const kind = cancelled ? 'cancelled' : 'expired'
    batch.results.push(...rest.map(({ customId }) => ({ customId, kind }) as const))
    if (cancelled) return end(batch, 'cancelled')
    batch.status = 'finalizing'
    await pause(() => plan.finalizingMs)
    await end(batch, rest.length > 0 ? 'expired' : 'completed')
  }

  async function end(batch: SimulatedBatch, status: SimulatedBatch['status']): Promise<void> {
    batch.status = status
    const { webhook } = plan
    if (!webhook) return
    const id = `evt_${batch.id}`
    const at = new Date()
    const payload = JSON.stringify({
      object: 'event',
      id,
      type: `batch.${status}`,
      created_at: at.getTime() / 1_000,
      data: { id: batch.id },
    })
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(webhook.secret).sign(id, at, payload),
    }
    await fetch(webhook.url, { method: 'POST', headers, body: payload }).catch(() => {})
  }

  return {
    setPlan: (next: unknown) => {
      plan = BatchPlan.parse(next)
    },
    plan: () => plan,
    figures: (): BatchFigures => ({ ...figures }),
    nowMs: () => Date.now() + plan.clockAheadMs,
    /** Of a provider that looks at the requests before it makes a batch of them: such a batch is never there. */
    refusesNext(): boolean {
      if (!plan.reject.includes(figures.batches)) return false
      figures.batches++
      return true
    },
    create(id: string, items: readonly BatchItem[], problems: SimulatedBatch['problems']): SimulatedBatch {
      const batch: SimulatedBatch = {
        id,
        number: figures.batches++,
        createdAtMs: Date.now() + plan.clockAheadMs,
        items,
        results: [],
        status: 'validating',
        problems,
        lines: undefined,
      }
      batches.push(batch)
      void work(batch)
      return batch
    },
    get: (id: string) => batches.find((batch) => batch.id === id),
    remove: (id: string) => {
      const at = batches.findIndex((batch) => batch.id === id)
      if (at >= 0) batches.splice(at, 1)
    },
    /** Newest first. */
    list: (prefix: string) => batches.filter(({ id }) => id.startsWith(prefix)).toReversed(),
    /** In the order and with the flaws that the plan wants; the same lines whenever they are asked for. */
    linesOf(batch: SimulatedBatch, toLine: (result: ItemResult) => object): string[] {
      batch.lines ??= flawed(
        batch.results.map((result) => JSON.stringify(toLine(result))),
        plan,
        seed + batch.number,
        () => JSON.stringify(toLine({ customId: 'nobody-knows-me', kind: 'expired' })),
      )
      return batch.lines
    },
  }
}
export type BatchWork = ReturnType<typeof createBatchWork>

function flawed(lines: string[], plan: BatchPlan, seed: number, unknown: () => string): string[] {
  const random = seededRandom(seed)
  const cut = lines.map((line, i) => (i < plan.cutLines ? line.slice(0, Math.floor(line.length / 2)) : line))
  const all = [...cut, ...lines.slice(-plan.repeatedLines || lines.length), ...Array.from({ length: plan.unknownLines }, unknown)]
  if (!plan.shuffle) return all
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[all[i], all[j]] = [all[j]!, all[i]!]
  }
  return all
}

function errorOf(url: string, status: 500 | 429): { status: number; body: unknown } {
  const message = status === 500 ? 'The server had an error.' : 'Rate limit reached.'
  if (url === '/v1/messages') {
    const type = status === 500 ? 'api_error' : 'rate_limit_error'
    return { status, body: { type: 'error', error: { type, message }, request_id: 'req_sim' } }
  }
  return { status, body: { error: { message, type: status === 500 ? 'server_error' : 'requests', param: null, code: null } } }
}

/** Lets the handler of the synchronous API answer, without a wire. */
async function capture(handler: Handler, body: unknown, world: World, fault: Fault | undefined) {
  let captured: { status: number; body: unknown } = { status: 500, body: null }
  const exchange = {
    fault,
    json: (status: number, reply: unknown) => {
      captured = { status, body: reply }
    },
    whole: async (reply: unknown) => {
      captured = { status: 200, body: reply }
    },
  }
  await handler(exchange as unknown as Exchange, body, world)
  return captured
}
