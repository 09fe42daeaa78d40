import type { IncomingMessage } from 'node:http'
import { createAnthropicBatches } from './anthropic-batches.ts'
import { createBatchWork } from './batch-work.ts'
import type { Exchange } from './exchange.ts'
import { createOpenAiBatches } from './openai-batches.ts'
import { createFiles } from './openai-files.ts'
import type { World } from './world.ts'

/** More than either provider takes, to find out what happens then. */
const MAX_BYTES = 300_000_000

export type BatchRoute = { readonly api: 'openai' | 'anthropic'; readonly handle: (exchange: Exchange, body: Buffer) => void }

/** Files and batches of both providers, told apart by method and path. */
export function createBatchApis(world: World, seed: number, baseUrl: () => string) {
  const work = createBatchWork(world, seed)
  const files = createFiles(world, work.nowMs)
  const openAi = createOpenAiBatches(world, work, files)
  const anthropic = createAnthropicBatches(world, work, baseUrl)
  const json = (handle: (exchange: Exchange, body: unknown) => void) => (exchange: Exchange, body: Buffer) => {
    let parsed: unknown
    try {
      parsed = JSON.parse(body.toString('utf8'))
    } catch {
      return exchange.json(400, {
        error: { message: 'We could not parse the JSON body of your request.', type: 'invalid_request_error' },
      })
    }
    handle(exchange, parsed)
  }

  function openAiRoute(key: string, id: string, query: URLSearchParams): BatchRoute['handle'] | undefined {
    switch (key) {
      case 'POST files':
        return (exchange, body) => files.upload(exchange, body)
      case 'GET files':
        return (exchange) => files.list(exchange)
      case 'GET files/:id':
        return (exchange) => files.read(exchange, id)
      case 'GET files/:id/content':
        return (exchange) => files.content(exchange, id)
      case 'DELETE files/:id':
        return (exchange) => files.remove(exchange, id)
      case 'POST batches':
        return json(openAi.create)
      case 'GET batches':
        return (exchange) => openAi.list(exchange, query)
      case 'GET batches/:id':
        return (exchange) => openAi.read(exchange, id)
      case 'POST batches/:id/cancel':
        return (exchange) => openAi.cancel(exchange, id)
      default:
        return undefined
    }
  }
  function anthropicRoute(key: string, id: string, query: URLSearchParams): BatchRoute['handle'] | undefined {
    switch (key) {
      case 'POST batches':
        return json(anthropic.create)
      case 'GET batches':
        return (exchange) => anthropic.list(exchange, query)
      case 'GET batches/:id':
        return (exchange) => anthropic.read(exchange, id)
      case 'POST batches/:id/cancel':
        return (exchange) => anthropic.cancel(exchange, id)
      case 'GET batches/:id/results':
        return (exchange) => anthropic.results(exchange, id)
      case 'DELETE batches/:id':
        return (exchange) => anthropic.remove(exchange, id)
      default:
        return undefined
    }
  }

  return {
    work,
    routeOf(method: string | undefined, url: URL): BatchRoute | undefined {
      const [, messages, kind, id = '', more] =
        /^\/v1\/(messages\/)?(files|batches)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(url.pathname) ?? []
      if (kind === undefined) return undefined
      const key = `${method} ${kind}${id === '' ? '' : '/:id'}${more === undefined ? '' : `/${more}`}`
      const handle = messages ? anthropicRoute(key, id, url.searchParams) : openAiRoute(key, id, url.searchParams)
      return handle && { api: messages ? 'anthropic' : 'openai', handle }
    },
  }
}
export type BatchApis = ReturnType<typeof createBatchApis>

/** @throws RangeError when it is larger than any provider accepts */
export async function rawBodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BYTES) throw new RangeError('the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
