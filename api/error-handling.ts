import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { StepFailure } from '#shared/domain/failure.ts'
import { newId } from '#shared/domain/id.ts'
import { isStoreAway } from '#shared/domain/store-away.ts'
import type { App } from './app.ts'
import type { ApiDeps } from './deps.ts'
import { impossibleMoments } from './impossible-moments.ts'
import { notFound, overloaded, Problem, problemBody, sendProblem } from './problem.ts'

/** Fastify's own refusals, in our words. Whatever else it refuses with a 4xx keeps its status. */
const FASTIFY_CODES: Readonly<Record<string, readonly [status: number, code: string, detail: string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'unsupported-media-type', 'this route does not take that content-type'],
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body-too-large', 'the body is larger than this route takes'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'malformed-body', 'the body is not as long as content-length says'],
  FST_ERR_BAD_URL: [400, 'malformed-url', 'the path is not a valid URL'],
  FST_ERR_MAX_PARAM_LENGTH: [404, 'not-found', 'there is nothing under such a long name'],
}

/** @returns the refusal the client is told, or undefined when the error is a mistake of ours and none of its business */
export function refusalOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (error instanceof StepFailure)
    return error.failure.kind === 'retryable'
      ? overloaded('a store this needs is not available', (error.failure.retryAfterMs ?? 2_000) / 1_000)
      : undefined
  const { code, statusCode, name } = error as { code?: unknown; statusCode?: unknown; name?: unknown }
  const known = typeof code === 'string' ? FASTIFY_CODES[code] : undefined
  if (known) return new Problem(...known)
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new Problem(statusCode, 'bad-request', STATUS_CODES[statusCode] ?? 'the request cannot be served')
  if (name === 'TimeoutError' || name === 'AbortError') return overloaded('this took too long', 2)
  if (isStoreAway(error)) return overloaded('a store this needs is not available', 2)
  return undefined
}

type ErrorDeps = Pick<ApiDeps, 'log' | 'telemetry'>

export const handleError = (deps: ErrorDeps) => (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
  const refusal = refusalOf(error) ?? impossibleMoments(error, request)
  if (refusal) {
    if (refusal.status >= 500 && !(error instanceof Problem))
      deps.log.warn({ requestId: request.id, route: request.routeOptions.url, err: error }, 'a store was not available')
    return sendProblem(reply, refusal)
  }
  deps.telemetry.defect('api')
  deps.log.error(
    { requestId: request.id, route: request.routeOptions.url, err: error },
    'a request failed for a reason of our own',
  )
  return sendProblem(
    reply,
    new Problem(500, 'internal-error', 'something went wrong on our side; the request id helps us to find it'),
  )
}

/** 405 where the path exists with another method, else 404. */
export function answerUnknownRoutes(app: App): void {
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set()
    methods.set(url, known)
    for (const one of [method].flat()) known.add(one)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!.split('/')
    const allowed = [...methods].filter(([pattern]) => matches(pattern.split('/'), path)).flatMap(([, known]) => [...known])
    if (allowed.length === 0 || request.method === 'OPTIONS') return sendProblem(reply, notFound('route'))
    reply.header('allow', [...new Set(allowed)].join(', '))
    return sendProblem(reply, new Problem(405, 'method-not-allowed', `this path takes ${[...new Set(allowed)].join(', ')}`))
  })
}

const matches = (pattern: readonly string[], path: readonly string[]) =>
  pattern.length === path.length && pattern.every((part, i) => part === path[i] || (part.startsWith(':') && path[i] !== ''))

/** Bytes that are not HTTP never reach a route; the answer is a problem document all the same. */
export const answerBrokenHttp = (clock: ApiDeps['clock']) => (error: NodeJS.ErrnoException, socket: Socket) => {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const id = newId('req', clock.now(), () => clock.random())
  const body = JSON.stringify(problemBody(new Problem(status, 'malformed-http', 'the request is not valid HTTP'), id))
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/problem+json\r\nx-request-id: ${id}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
