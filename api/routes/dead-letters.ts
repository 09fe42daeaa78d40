import * as z from 'zod'
import type { DeadLetter } from '#shared/ports/run-log.ts'
import type { App } from '../app.ts'
import type { ApiDeps, ApiLimits } from '../deps.ts'
import { takePerMinute } from '../limits.ts'
import { type Redriven, redriveLetter } from '../redrive.ts'
import { Flag, Id, Limit, Moment, responses, Text } from '../schemas.ts'

const MAX_REDRIVES = 1_000
const AT_ONCE = 8

const View = z.object({
  id: z.string(),
  runId: z.string(),
  pipeline: z.string(),
  step: z.string(),
  code: z.string(),
  message: z.string(),
  createdAt: Moment,
  redrivenAt: Moment.nullable(),
})
const view = ({ tenantId: _tenantId, createdAt, redrivenAt, ...rest }: DeadLetter): z.infer<typeof View> => ({
  ...rest,
  createdAt: createdAt.toISOString(),
  redrivenAt: redrivenAt?.toISOString() ?? null,
})

const Redrive = z.strictObject({
  ids: z.array(Id).min(1).max(MAX_REDRIVES).optional(),
  step: Text(100).optional(),
  code: Text(100).optional(),
  limit: z.int().min(1).max(MAX_REDRIVES).default(100),
})
const Result = z.object({ id: z.string(), runId: z.string().nullable(), redriven: z.boolean(), reason: z.string().nullable() })
type Result = z.infer<typeof Result>

/** Only what was given: an absent filter is no filter. */
const filterOf = ({ ids, step, code }: { ids?: string[] | undefined; step?: string | undefined; code?: string | undefined }) => ({
  ...(ids ? { ids } : {}),
  ...(step === undefined ? {} : { step }),
  ...(code === undefined ? {} : { code }),
})

const resultOf = ({ id, runId }: DeadLetter, redriven: Redriven): Result => ({
  id,
  runId,
  redriven: redriven.redriven,
  reason: redriven.redriven ? null : redriven.why,
})

export function deadLetterRoutes(app: App, deps: ApiDeps, limits: ApiLimits): void {
  app.get(
    '/dead-letters',
    {
      config: { roles: ['operator'] },
      schema: {
        tags: ['operations'],
        summary: 'Steps that failed for good, the latest first',
        querystring: z.strictObject({
          step: Text(100).optional(),
          code: Text(100).optional(),
          open: Flag.default('true'),
          limit: Limit(100, MAX_REDRIVES),
        }),
        response: responses({ 200: z.object({ deadLetters: z.array(View) }) }),
      },
    },
    async ({ caller, query }) => {
      const filter = { ...filterOf(query), limit: query.limit, open: query.open === 'true' }
      return { deadLetters: (await deps.runs.deadLetters(caller.tenant.id, filter)).map(view) }
    },
  )

  app.post(
    '/dead-letters/redrive',
    {
      config: { roles: ['operator'] },
      schema: {
        tags: ['operations'],
        summary: 'Send failed steps round again: some by id, or all of a step or code, the latest first',
        body: Redrive,
        response: responses({ 200: z.object({ redriven: z.int(), results: z.array(Result) }) }),
      },
    },
    async ({ caller, body }) => {
      const tenantId = caller.tenant.id
      const letters = await deps.runs.deadLetters(tenantId, { ...filterOf(body), limit: body.limit, open: true })
      if (letters.length > 0)
        await takePerMinute(`redrives:${tenantId}`, limits.redrivesPerMinute, letters.length, 'redrives', deps)
      const results: Result[] = []
      for (let i = 0; i < letters.length; i += AT_ONCE)
        results.push(
          ...(await Promise.all(
            letters
              .slice(i, i + AT_ONCE)
              .map(async (letter) => resultOf(letter, await redriveLetter(letter, caller.actor, deps))),
          )),
        )
      const found = new Set(letters.map(({ id }) => id))
      for (const id of new Set(body.ids))
        if (!found.has(id)) results.push({ id, runId: null, redriven: false, reason: 'no open dead letter of this id was taken' })
      const redriven = results.filter((result) => result.redriven).length
      if (redriven > 0)
        await deps.tenants.audit({
          tenantId,
          actor: caller.actor,
          action: 'dead-letters.redriven',
          target: tenantId,
          detail: { redriven },
          at: deps.clock.now(),
        })
      return { redriven, results }
    },
  )
}
