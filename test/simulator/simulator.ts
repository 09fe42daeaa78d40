import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as z from 'zod'
import { anthropicCountTokens, anthropicMessages, sendAnthropicRefusal } from './anthropic-messages.ts'
import { BatchPlan } from './batch-plan.ts'
import { type BatchApis, type BatchRoute, createBatchApis, rawBodyOf } from './batch-routes.ts'
import type { BatchFigures } from './batch-work.ts'
import { bodyOf, Exchange, type Latency, NO_LATENCY } from './exchange.ts'
import { createFaultQueue, Fault, type FaultQueue, FaultRule, type Strike } from './faults.ts'
import { createMeter, type MeterFigures } from './meter.ts'
import { anthropicModelList, openAiModelList } from './model-lists.ts'
import { openAiChat, sendOpenAiRefusal } from './openai-chat.ts'
import { openAiEmbeddings } from './openai-embeddings.ts'
import { refusal } from './openai-request.ts'
import { createPromptCache } from './prompt-cache.ts'
import { seededRandom } from './seeded-random.ts'
import type { Handler, World } from './world.ts'

export const BANNER = 'This is a simulator of model providers. Its replies come from no model and its bills from no provider.'

/** Every key is good but this one. */
export const WRONG_KEY = 'wrong-key'

export type SimulatorOptions = {
  /** 0 = any free one. */
  readonly port?: number
  readonly host?: string
  readonly seed?: number
  readonly latency?: Partial<Latency>
  /** Served by the OpenAI API under these names, free of charge, with a local server's looser rules. */
  readonly localModels?: readonly string[]
  /** How batches fare. */
  readonly batch?: z.input<typeof BatchPlan>
}
export type Simulator = {
  /** Without a path: OpenAI's base URL is `${url}/v1`, Anthropic's is `url`. */
  readonly url: string
  readonly meter: () => MeterFigures
  readonly setFaults: (rules: readonly FaultRule[]) => void
  readonly setBatchPlan: (plan: z.input<typeof BatchPlan>) => void
  readonly batches: () => BatchFigures
  readonly close: () => Promise<void>
}

type Api = 'openai' | 'anthropic'
/** One file an API; files and batches have paths with ids and bodies of their own kind: `batch-routes.ts`. */
const ROUTES: Readonly<Record<string, { readonly api: Api; readonly handler: Handler; readonly isModel: boolean }>> = {
  'POST /v1/chat/completions': { api: 'openai', handler: openAiChat, isModel: true },
  'POST /v1/embeddings': { api: 'openai', handler: openAiEmbeddings, isModel: true },
  'POST /v1/messages': { api: 'anthropic', handler: anthropicMessages, isModel: true },
  'POST /v1/messages/count_tokens': { api: 'anthropic', handler: anthropicCountTokens, isModel: false },
}

/** Starts a server that behaves like OpenAI and Anthropic as far as this product talks to them, faults included. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const random = seededRandom(options.seed ?? 1)
  const localModels = new Set(options.localModels ?? ['local-model'])
  const nextId = (prefix: string) => `${prefix}_${Math.floor(random() * 2 ** 48).toString(36)}`
  const world: World = { meter: createMeter(localModels), cache: createPromptCache(), localModels, nextId }
  const faults = createFaultQueue(random)
  const latency = { ...NO_LATENCY, ...options.latency }
  const apis = createBatchApis(world, options.seed ?? 1, () => baseUrl)
  apis.work.setPlan(options.batch ?? {})
  let baseUrl = ''
  const server = createServer((request, response) => {
    response.setHeader('x-simulator', BANNER)
    serve(request, response, world, faults, latency, apis).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else
        response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ simulator_defect: String(error) }))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve)
  })
  const { address, port } = server.address() as AddressInfo
  baseUrl = `http://${address}:${port}`
  return {
    url: baseUrl,
    meter: () => world.meter.read(),
    setBatchPlan: (plan) => apis.work.setPlan(plan),
    batches: () => apis.work.figures(),
    setFaults: (rules) => faults.set(rules.map((rule) => FaultRule.parse(rule))),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  world: World,
  faults: FaultQueue,
  latency: Latency,
  apis: BatchApis,
) {
  const url = new URL(request.url ?? '/', 'http://simulator')
  const path = url.pathname
  const batchRoute = apis.routeOf(request.method, url)
  if (batchRoute)
    return serveBatch(
      batchRoute,
      new Exchange(request, response, batchStrike(faults, `${request.method} ${path}`), latency),
      world,
    )
  const text = await bodyOf(request)
  if (path === '/' || path.startsWith('/simulator/'))
    return control(`${request.method} ${path}`, text, response, world, faults, apis)
  const route = routeOf(request, path)
  const strike = route?.isModel ? strikeOf(request, faults, path, text) : undefined
  const exchange = new Exchange(request, response, strike, latency)
  if (!route)
    return exchange.json(404, { error: { message: `Invalid URL (${request.method} ${path})`, type: 'invalid_request_error' } })
  if (route.isModel) world.meter.request(strike?.fault)
  if (strikeBeforeReading(exchange, route.api)) return
  if (refuseHeaders(exchange, route.api, world)) return
  const json = jsonOf(text)
  if (json.ok) await route.handler(exchange, json.value, world)
  else refuse(exchange, world, route.api, 400, 'We could not parse the JSON body of your request.')
}

function routeOf(request: IncomingMessage, path: string) {
  if (request.method === 'GET' && path === '/v1/models') {
    const anthropic = request.headers['anthropic-version'] !== undefined
    return anthropic
      ? ({ api: 'anthropic', handler: anthropicModelList, isModel: false } as const)
      : ({ api: 'openai', handler: openAiModelList, isModel: false } as const)
  }
  return ROUTES[`${request.method} ${path}`]
}

function strikeOf(request: IncomingMessage, faults: FaultQueue, path: string, body: string): Strike | undefined {
  const asked = request.headers['x-simulate']
  if (asked === undefined) return faults.take(path, body)
  return { fault: Fault.parse(asked), retryAfterSeconds: undefined }
}

async function serveBatch(route: BatchRoute, exchange: Exchange, world: World) {
  const body = await rawBodyOf(exchange.request)
  if (strikeBeforeReading(exchange, route.api) || refuseHeaders(exchange, route.api, world)) return
  route.handle(exchange, body)
}

/** Only faults that name a path of files or batches: those without are meant for models. */
function batchStrike(faults: FaultQueue, path: string): Strike | undefined {
  return faults.list().some(({ match }) => match !== undefined && path.includes(match)) ? faults.take(path, '') : undefined
}

/** Faults that need no look at the request. @returns true when the request has been dealt with */
function strikeBeforeReading(exchange: Exchange, api: Api): boolean {
  const { fault, strike, request, response } = exchange
  if (fault === 'hang') return true
  if (fault === 'empty_200') {
    const streamed = request.headers.accept?.includes('event-stream')
    response.writeHead(200, { 'content-type': streamed ? 'text/event-stream' : 'application/json', 'content-length': '0' }).end()
    return true
  }
  if (fault !== '429' && fault !== '500' && fault !== '529') return false
  const retryAfter = strike?.retryAfterSeconds ?? (fault === '429' ? 1 : undefined)
  const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
  exchange.json(Number(fault), errorBody(api, fault), headers)
  return true
}

function errorBody(api: Api, fault: '429' | '500' | '529') {
  const message = { '429': 'Rate limit reached.', '500': 'The server had an error.', '529': 'Overloaded.' }[fault]
  if (api === 'anthropic') {
    const type = { '429': 'rate_limit_error', '500': 'api_error', '529': 'overloaded_error' }[fault]
    return { type: 'error', error: { type, message }, request_id: 'req_sim' }
  }
  const code = fault === '429' ? 'rate_limit_exceeded' : null
  return { error: { message, type: fault === '429' ? 'requests' : 'server_error', param: null, code } }
}

/** @returns true when the request was refused */
function refuseHeaders(exchange: Exchange, api: Api, world: World): boolean {
  const { headers } = exchange.request
  const bearer = headers.authorization?.startsWith('Bearer ') ? headers.authorization.slice('Bearer '.length) : undefined
  const key = bearer || (api === 'anthropic' ? headers['x-api-key'] : undefined)
  if (!key || key === WRONG_KEY) {
    refuse(exchange, world, api, 401, api === 'openai' ? 'Incorrect API key provided.' : 'invalid x-api-key')
    return true
  }
  if (api === 'openai' || headers['anthropic-version'] !== undefined) return false
  refuse(exchange, world, api, 400, 'anthropic-version: header is required')
  return true
}

function refuse(exchange: Exchange, world: World, api: Api, status: 400 | 401, message: string) {
  const type = status === 401 ? 'authentication_error' : 'invalid_request_error'
  if (api === 'anthropic') sendAnthropicRefusal(exchange, world, { status, type, message })
  else sendOpenAiRefusal(exchange, world, refusal(status, message, null, status === 401 ? 'invalid_api_key' : null))
}

const FaultsBody = z.union([FaultRule.transform((rule) => [rule]), z.array(FaultRule)])

/** The simulator's own pages: what it is, what it counted, what it shall do wrong. */
function control(route: string, text: string, response: ServerResponse, world: World, faults: FaultQueue, apis: BatchApis) {
  const send = (status: number, body: unknown) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ simulator: true, ...(body as object) }))
  if (route === 'GET /') return send(200, { banner: BANNER })
  if (route === 'GET /simulator/meter') return send(200, world.meter.read())
  if (route === 'POST /simulator/reset') {
    world.meter.reset()
    faults.set([])
    return send(200, {})
  }
  if (route === 'GET /simulator/batches') return send(200, apis.work.figures())
  if (route === 'POST /simulator/batches') return setBatchPlan(text, apis, send)
  if (route === 'DELETE /simulator/faults') faults.set([])
  if (route === 'POST /simulator/faults') {
    const json = jsonOf(text)
    const parsed = FaultsBody.safeParse(json.ok ? json.value : undefined)
    if (!parsed.success) return send(400, { problem: z.prettifyError(parsed.error), faults: Fault.options })
    faults.set(parsed.data)
  }
  return route.endsWith('/simulator/faults') ? send(200, { waiting: faults.list() }) : send(404, { problem: 'no such page' })
}

function setBatchPlan(text: string, apis: BatchApis, send: (status: number, body: unknown) => unknown) {
  const json = jsonOf(text)
  const parsed = BatchPlan.safeParse(json.ok ? json.value : undefined)
  if (!parsed.success) return send(400, { problem: z.prettifyError(parsed.error) })
  apis.work.setPlan(parsed.data)
  return send(200, parsed.data)
}

function jsonOf(text: string): { ok: true; value: unknown } | { ok: false } {
  try {
    return { ok: true, value: text === '' ? undefined : JSON.parse(text) }
  } catch {
    return { ok: false }
  }
}
