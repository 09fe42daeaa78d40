import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'

export type Refusal = { readonly status: number; readonly code: string; readonly detail: string }

/** An RFC 9457 problem document, with the members that those of the API have. */
export const problemBody = ({ status, code, detail }: Refusal, requestId: string) => ({
  type: `urn:answerline:problem:${code}`,
  title: STATUS_CODES[status] ?? 'Error',
  status,
  detail,
  code,
  requestId,
})

export const PROBLEM_TYPE = 'application/problem+json'

export const sendProblem = (reply: FastifyReply, status: number, code: string, detail: string): FastifyReply =>
  reply
    .status(status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemBody({ status, code, detail }, reply.request.id)))
