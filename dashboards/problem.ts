import type { FastifyReply } from 'fastify'

/** An RFC 9457 problem document. `error` and `message` are what Bull Board's pages show. */
export const problemBody = (status: number, code: string, detail: string) => ({
  type: 'about:blank',
  title: code.replaceAll('-', ' '),
  status,
  code,
  detail,
  error: detail,
  message: detail,
})

export function sendProblem(reply: FastifyReply, status: number, code: string, detail: string): FastifyReply {
  return reply
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify(problemBody(status, code, detail)))
}
