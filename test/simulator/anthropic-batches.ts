import * as z from 'zod'
import { sendAnthropicRefusal } from './anthropic-messages.ts'
import { type BatchWork, hashOf, type ItemResult, type SimulatedBatch } from './batch-work.ts'
import type { Exchange } from './exchange.ts'
import type { World } from './world.ts'

const CreateRequest = z.strictObject({
  requests: z
    .array(z.strictObject({ custom_id: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/), params: z.looseObject({ model: z.string() }) }))
    .min(1)
    .max(100_000),
})
const URL_OF_MESSAGES = '/v1/messages'

/** Anthropic's Message Batches: created with all their requests, without metadata, listed newest first. */
export function createAnthropicBatches(world: World, work: BatchWork, baseUrl: () => string) {
  const endedAtMs = new Map<string, number>()
  const refuse = (exchange: Exchange, status: number, type: string, message: string) =>
    sendAnthropicRefusal(exchange, world, { status, type, message })

  function view(batch: SimulatedBatch) {
    const over = ['completed', 'expired', 'cancelled', 'failed'].includes(batch.status)
    if (over && !endedAtMs.has(batch.id)) endedAtMs.set(batch.id, work.nowMs())
    const count = (of: (result: ItemResult) => boolean) => batch.results.filter(of).length
    const moment = (ms: number) => new Date(ms).toISOString()
    return {
      id: batch.id,
      type: 'message_batch',
      processing_status: over ? 'ended' : batch.status === 'cancelling' ? 'canceling' : 'in_progress',
      request_counts: over
        ? {
            processing: 0,
            succeeded: count((result) => result.kind === 'served' && result.status === 200),
            errored: count((result) => result.kind === 'served' && result.status !== 200),
            canceled: count(({ kind }) => kind === 'cancelled'),
            expired: count(({ kind }) => kind === 'expired'),
          }
        : { processing: batch.items.length, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
      created_at: moment(batch.createdAtMs),
      expires_at: moment(batch.createdAtMs + 86_400_000),
      ended_at: over ? moment(endedAtMs.get(batch.id)!) : null,
      cancel_initiated_at: null,
      archived_at: null,
      results_url: over ? `${baseUrl()}/v1/messages/batches/${batch.id}/results` : null,
    }
  }
  const known = (exchange: Exchange, id: string): SimulatedBatch | undefined => {
    const batch = id.startsWith('msgbatch_sim') ? work.get(id) : undefined
    if (!batch) refuse(exchange, 404, 'not_found_error', `batch ${id} not found`)
    return batch
  }

  return {
    create(exchange: Exchange, body: unknown) {
      const parsed = CreateRequest.safeParse(body)
      if (!parsed.success) return refuse(exchange, 400, 'invalid_request_error', z.prettifyError(parsed.error).slice(0, 500))
      const { requests } = parsed.data
      if (new Set(requests.map(({ custom_id }) => custom_id)).size < requests.length)
        return refuse(exchange, 400, 'invalid_request_error', 'requests: custom_id must be unique')
      if (work.refusesNext()) return refuse(exchange, 400, 'invalid_request_error', 'requests: not valid')
      const items = requests.map(({ custom_id, params }) => ({
        customId: custom_id,
        url: URL_OF_MESSAGES,
        body: params,
        hash: hashOf(URL_OF_MESSAGES, JSON.stringify(params)),
      }))
      const batch = work.create(world.nextId('msgbatch_sim'), items, [])
      if (exchange.fault === 'drop') return void exchange.response.destroy()
      exchange.json(200, view(batch))
    },
    read(exchange: Exchange, id: string) {
      const batch = known(exchange, id)
      if (batch) exchange.json(200, view(batch))
    },
    list(exchange: Exchange, query: URLSearchParams) {
      const all = work.list('msgbatch_sim')
      const after = query.get('after_id')
      const from = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1
      const page = all.slice(from, from + Number(query.get('limit') ?? 20))
      const has_more = from + page.length < all.length
      exchange.json(200, { data: page.map(view), first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null, has_more })
    },
    cancel(exchange: Exchange, id: string) {
      const batch = known(exchange, id)
      if (!batch) return
      if (batch.status === 'validating' || batch.status === 'in_progress') batch.status = 'cancelling'
      exchange.json(200, view(batch))
    },
    results(exchange: Exchange, id: string) {
      const batch = known(exchange, id)
      if (!batch) return
      if (view(batch).processing_status !== 'ended')
        return refuse(exchange, 404, 'not_found_error', 'results are not available yet')
      const lines = work.linesOf(batch, lineOf)
      exchange.response
        .writeHead(200, { 'content-type': 'application/x-jsonl' })
        .end(lines.length === 0 ? '' : `${lines.join('\n')}\n`)
    },
    remove(exchange: Exchange, id: string) {
      const batch = known(exchange, id)
      if (!batch) return
      work.remove(id)
      exchange.json(200, { id, type: 'message_batch_deleted' })
    },
  }
}

function lineOf(result: ItemResult): object {
  const custom_id = result.customId
  if (result.kind !== 'served') return { custom_id, result: { type: result.kind === 'expired' ? 'expired' : 'canceled' } }
  if (result.status === 200) return { custom_id, result: { type: 'succeeded', message: result.body } }
  return { custom_id, result: { type: 'errored', error: result.body } }
}
