import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'
import type * as z from 'zod'

export type FieldError = { readonly field: string; readonly message: string }
type More = {
  readonly errors?: readonly FieldError[]
  readonly retryAfterSeconds?: number
  /** Members beside those of RFC 9457, such as `checks` of readiness. */
  readonly members?: Readonly<Record<string, unknown>>
}

/**
 * A refusal that the client is told, as RFC 9457 has it. Thrown anywhere below a route; the error handler writes it.
 * 400 is for what cannot be read at all, 422 for what can be read but does not fit the schema (with `errors` by field).
 */
export class Problem extends Error {
  readonly status: number
  /** Stable and kebab-case: clients branch on it. */
  readonly code: string
  readonly more: More
  constructor(status: number, code: string, detail: string, more: More = {}) {
    super(detail)
    this.name = 'Problem'
    this.status = status
    this.code = code
    this.more = more
  }
}

export const notFound = (what: string) => new Problem(404, 'not-found', `there is no such ${what}`)
export const conflict = (code: string, detail: string) => new Problem(409, code, detail)
export const overloaded = (detail: string, retryAfterSeconds: number) =>
  new Problem(503, 'overloaded', detail, { retryAfterSeconds })

export function problemBody(problem: Problem, requestId: string): Record<string, unknown> {
  const { errors, members } = problem.more
  return {
    type: `urn:answerline:problem:${problem.code}`,
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    requestId,
    ...(errors ? { errors } : {}),
    ...members,
  }
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { retryAfterSeconds } = problem.more
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfterSeconds))))
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .send(JSON.stringify(problemBody(problem, reply.request.id)))
}

const MAX_ERRORS = 20
const MAX_FIELD_CHARACTERS = 100
const clip = (text: string) =>
  (text.length > MAX_FIELD_CHARACTERS ? `${text.slice(0, MAX_FIELD_CHARACTERS)}…` : text).toWellFormed()

/** Names of fields as people write them: `requester.email`, `documents.0.title`. The body as a whole is `(body)`. */
export const fieldName = (path: readonly PropertyKey[]) => clip(path.map(String).join('.') || '(body)')

/** What zod found, by field; an unknown field is named itself, not the object that holds it. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const errors: FieldError[] = []
  for (const issue of issues) {
    if (errors.length >= MAX_ERRORS) break
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys.slice(0, MAX_ERRORS))
        errors.push({ field: fieldName([...issue.path, key]), message: 'is not a known field' })
    else errors.push({ field: fieldName(issue.path), message: clip(issue.message) })
  }
  return errors.slice(0, MAX_ERRORS)
}

export function invalid(errors: readonly FieldError[]): Problem {
  const [first] = errors
  const others = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return new Problem(422, 'invalid-request', first ? `${first.field}: ${first.message}${others}` : 'the request is not valid', {
    errors,
  })
}
