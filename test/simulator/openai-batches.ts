import * as z from 'zod'
import { type BatchItem, type BatchWork, hashOf, type ItemResult, type SimulatedBatch } from './batch-work.ts'
import type { Exchange } from './exchange.ts'
import type { Files } from './openai-files.ts'
import type { World } from './world.ts'

const MAX_REQUESTS = 50_000
const MAX_BYTES = 200_000_000
const ENDPOINTS = ['/v1/chat/completions', '/v1/embeddings']
const Expires = z.strictObject({ anchor: z.literal('created_at'), seconds: z.int().min(3_600).max(2_592_000) })
const CreateRequest = z.strictObject({
  input_file_id: z.string(),
  endpoint: z.string(),
  completion_window: z.literal('24h'),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  output_expires_after: Expires.optional(),
})
const Line = z.strictObject({
  custom_id: z.string().min(1),
  method: z.literal('POST'),
  url: z.string(),
  body: z.looseObject({ model: z.string() }),
})
type Own = { readonly request: z.infer<typeof CreateRequest>; outputFileId?: string; errorFileId?: string }

/** OpenAI's Batch API. */
export function createOpenAiBatches(world: World, work: BatchWork, files: Files) {
  const own = new Map<string, Own>()
  const refuse = (exchange: Exchange, status: number, message: string, code: string | null = null) =>
    exchange.json(status, { error: { message, type: 'invalid_request_error', param: null, code } })

  function view(batch: SimulatedBatch) {
    const { request, ...refs } = own.get(batch.id)!
    const seconds = (ms: number) => Math.floor(ms / 1_000)
    const served = batch.results.filter((result) => result.kind === 'served')
    const completed = served.filter(({ status }) => status === 200).length
    if (isOver(batch) && refs.outputFileId === undefined) writeFiles(batch)
    const { outputFileId, errorFileId } = own.get(batch.id)!
    return {
      id: batch.id,
      object: 'batch',
      endpoint: request.endpoint,
      errors:
        batch.problems.length > 0
          ? { object: 'list', data: batch.problems.map((problem) => ({ ...problem, param: null })) }
          : null,
      input_file_id: request.input_file_id,
      completion_window: '24h',
      status: batch.status,
      output_file_id: outputFileId || null,
      error_file_id: errorFileId || null,
      created_at: seconds(batch.createdAtMs),
      expires_at: seconds(batch.createdAtMs) + 86_400,
      request_counts: { total: batch.items.length, completed, failed: served.length - completed },
      metadata: request.metadata ?? null,
    }
  }

  /** Replies go to one file, what has none to the other; a file of nothing does not exist. */
  function writeFiles(batch: SimulatedBatch): void {
    const record = own.get(batch.id)!
    const lines = work.linesOf(batch, (result) => lineOf(result, world))
    const isError = (line: string) =>
      line.includes('"response":null') || line.includes('"status_code":4') || line.includes('"status_code":5')
    const write = (name: string, chosen: string[]) =>
      chosen.length === 0 ? '' : files.add(`${batch.id}_${name}.jsonl`, Buffer.from(`${chosen.join('\n')}\n`), 'file-out')
    record.outputFileId = write(
      'output',
      lines.filter((line) => !isError(line)),
    )
    record.errorFileId = write('error', lines.filter(isError))
  }

  return {
    create(exchange: Exchange, body: unknown) {
      const parsed = CreateRequest.safeParse(body)
      if (!parsed.success) return refuse(exchange, 400, z.prettifyError(parsed.error))
      if (!ENDPOINTS.includes(parsed.data.endpoint)) return refuse(exchange, 400, `Invalid endpoint ${parsed.data.endpoint}`)
      const file = files.get(parsed.data.input_file_id)
      if (!file) return refuse(exchange, 400, `File '${parsed.data.input_file_id}' not found`)
      const { items, problems } = readFile(file.bytes, parsed.data.endpoint)
      const id = world.nextId('batch_sim')
      own.set(id, { request: parsed.data })
      const batch = work.create(id, items, problems)
      if (exchange.fault === 'drop') return void exchange.response.destroy()
      exchange.json(200, view(batch))
    },
    read(exchange: Exchange, id: string) {
      const batch = work.get(id)
      if (!batch || !own.has(id)) return refuse(exchange, 404, `No batch found with id '${id}'.`)
      exchange.json(200, view(batch))
    },
    list(exchange: Exchange, query: URLSearchParams) {
      const all = work.list('batch_sim')
      const after = query.get('after')
      const from = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1
      const page = all.slice(from, from + Number(query.get('limit') ?? 20))
      exchange.json(200, {
        object: 'list',
        data: page.map(view),
        first_id: page[0]?.id ?? null,
        last_id: page.at(-1)?.id ?? null,
        has_more: from + page.length < all.length,
      })
    },
    cancel(exchange: Exchange, id: string) {
      const batch = work.get(id)
      if (!batch || !own.has(id)) return refuse(exchange, 404, `No batch found with id '${id}'.`)
      if (batch.status !== 'validating' && batch.status !== 'in_progress' && batch.status !== 'cancelling')
        return refuse(exchange, 409, `Cannot cancel a batch with status '${batch.status}'.`)
      batch.status = 'cancelling'
      exchange.json(200, view(batch))
    },
  }
}

const isOver = ({ status }: SimulatedBatch) => status === 'completed' || status === 'expired' || status === 'cancelled'

function lineOf(result: ItemResult, world: World): object {
  const head = { id: world.nextId('batch_req_sim'), custom_id: result.customId }
  if (result.kind !== 'served') {
    const code = `batch_${result.kind}`
    return { ...head, response: null, error: { code, message: 'This request could not be executed before the batch ended.' } }
  }
  return {
    ...head,
    response: { status_code: result.status, request_id: world.nextId('req_sim'), body: result.body },
    error: null,
  }
}

/** What OpenAI checks before it accepts a file: JSON, one address, one model, no id twice, the limits. */
function readFile(bytes: Buffer, endpoint: string): { items: BatchItem[]; problems: SimulatedBatch['problems'] } {
  const items: BatchItem[] = []
  const problems: SimulatedBatch['problems'] = []
  const ids = new Set<string>()
  let model: string | undefined
  const complain = (code: string, message: string, line: number | null) => void problems.push({ code, message, line })
  const texts = bytes
    .toString('utf8')
    .split('\n')
    .filter((text) => text !== '')
  if (texts.length === 0) complain('empty_file', 'The file is empty.', null)
  if (texts.length > MAX_REQUESTS) complain('too_many_tasks', 'The batch contains too many requests.', null)
  if (bytes.length > MAX_BYTES) complain('file_too_large', 'The file is too large.', null)
  for (const [i, text] of texts.entries()) {
    const parsed = Line.safeParse(jsonOf(text))
    if (!parsed.success) complain('invalid_json_line', 'This line is not parseable as valid JSON.', i + 1)
    else {
      const { custom_id: customId, url, body } = parsed.data
      model ??= body.model
      if (url !== endpoint) complain('mismatched_endpoint', 'The URL does not match the endpoint of the batch.', i + 1)
      else if (body.model !== model) complain('mismatched_model', 'A batch has one model.', i + 1)
      else if (ids.has(customId)) complain('duplicate_custom_id', 'The custom_id is there twice.', i + 1)
      ids.add(customId)
      items.push({ customId, url, body, hash: hashOf(url, JSON.stringify(body)) })
    }
  }
  return { items, problems }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
