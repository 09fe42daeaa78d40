import * as z from 'zod'
import { wellFormed } from '#shared/domain/ticket.ts'

/** Building blocks of what routes take. */
export const Text = (max: number) => z.string().max(max).refine(wellFormed, 'must be well-formed Unicode without NUL characters')
export const Id = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[A-Za-z0-9_.:-]+$/)
export const ById = z.object({ id: Id })
/** A number as it stands in a query. */
export const Limit = (fallback: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,6}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1).max(max))
    .prefault(String(fallback))
export const Flag = z.enum(['true', 'false'])

export const ProblemDocument = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    requestId: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .describe('RFC 9457 problem document; `code` is stable')

/** What every route may answer beside its own success. */
export const responses = <const T extends Readonly<Record<number, z.ZodType>>>(success: T) => ({
  ...success,
  '4xx': { content: { 'application/problem+json': { schema: ProblemDocument } } },
  '5xx': { content: { 'application/problem+json': { schema: ProblemDocument } } },
})

/** A moment from outside. Offsets and the years before common time can make one that no database holds. */
export const isStorable = (moment: Date) => moment.getUTCFullYear() >= 1970 && moment.getUTCFullYear() <= 9999
export const STORABLE = 'must lie between the years 1970 and 9999'

/** Moments as they are sent: ISO 8601 in UTC. */
export const Moment = z.iso.datetime()

/** What model calls came to. Tokens, US dollars. */
export const CallSums = z.object({
  calls: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  cacheReadTokens: z.int(),
  cacheWriteTokens: z.int(),
  costUsd: z.number(),
})
