import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiDeps } from './deps.ts'
import { refusalOf } from './error-handling.ts'

/** A refusal as OpenAI's clients understand it: `{error: {message, type, param, code}}`. */
export class ChatError extends Error {
  readonly status: number
  readonly param: string | null
  readonly code: string | null
  constructor(status: number, message: string, param: string | null, code: string | null) {
    super(message)
    this.name = 'ChatError'
    this.status = status
    this.param = param
    this.code = code
  }
}

/** By status, as OpenAI names them; its clients choose their error class by the status. */
const typeOf = (status: number): string => {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

export const errorBody = ({ status, message, param, code }: Pick<ChatError, 'status' | 'message' | 'param' | 'code'>) => ({
  error: { message, type: typeOf(status), param, code },
})

/** Refusals of the whole API, in OpenAI's words: codes of ours become codes of its, where it has one. */
const CODES: Readonly<Record<string, string>> = { unauthenticated: 'invalid_api_key', 'rate-limited': 'rate_limit_exceeded' }

export const answerAsOpenAi =
  (deps: Pick<ApiDeps, 'log' | 'telemetry'>) =>
  (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    if (error instanceof ChatError) return reply.code(error.status).send(errorBody(error))
    const refusal = refusalOf(error)
    if (!refusal) {
      deps.telemetry.defect('api')
      deps.log.error({ requestId: request.id, err: error }, 'a chat request failed for a reason of our own')
      return reply
        .code(500)
        .send(errorBody({ status: 500, message: 'something went wrong on our side', param: null, code: 'internal_error' }))
    }
    const { status, code, message, more } = refusal
    if (more.retryAfterSeconds !== undefined) reply.header('retry-after', String(Math.max(1, Math.ceil(more.retryAfterSeconds))))
    // 422 is ours; OpenAI's clients know 400 for a request that cannot be served as it is.
    const shown = status === 422 ? 400 : status
    const param = more.errors?.[0]?.field ?? null
    return reply.code(shown).send(errorBody({ status: shown, message, param, code: CODES[code] ?? code.replaceAll('-', '_') }))
  }
