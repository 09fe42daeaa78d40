import * as z from 'zod'
import { nextTime } from '#shared/domain/cron.ts'
import { DIGEST_TASKS, orderOf, ScheduledQuery, ScheduleInput, SetLane } from '#shared/domain/document-set.ts'
import { derivedId, newId } from '#shared/domain/id.ts'
import type { Schedule } from '#shared/ports/document-set-schedules.ts'
import type { App } from '../app.ts'
import type { ApiDeps } from '../deps.ts'
import { bodyHash, idempotencyKey } from '../idempotency.ts'
import { conflict, invalid, notFound } from '../problem.ts'
import { ById, Moment, responses } from '../schemas.ts'

const MAX_SCHEDULES = 100

const ScheduleView = z.object({
  scheduleId: z.string(),
  name: z.string(),
  task: z.enum(DIGEST_TASKS),
  lane: SetLane,
  cron: z.string(),
  timeZone: z.string(),
  query: ScheduledQuery,
  nextAt: Moment,
  lastAt: Moment.nullable(),
  lastDocumentSetId: z.string().nullable(),
  createdAt: Moment,
})

const scheduleView = (schedule: Schedule): z.infer<typeof ScheduleView> => ({
  scheduleId: schedule.id,
  name: schedule.order.name,
  task: schedule.order.settings.task,
  lane: schedule.order.lane,
  cron: schedule.cron,
  timeZone: schedule.timeZone,
  query: schedule.query,
  nextAt: schedule.nextAt.toISOString(),
  lastAt: schedule.lastAt?.toISOString() ?? null,
  lastDocumentSetId: schedule.lastSetId,
  createdAt: schedule.createdAt.toISOString(),
})

export function documentSetScheduleRoutes(app: App, { schedules, clock }: ApiDeps): void {
  const schema = (summary: string) => ({ tags: ['document sets'], summary })

  app.post(
    '/document-sets/schedules',
    {
      config: { roles: ['ingest'] },
      schema: {
        ...schema('Digest again and again: a cron expression in a time zone, over what a query selects then'),
        body: ScheduleInput,
        response: responses({ 201: ScheduleView }),
      },
    },
    async (request, reply) => {
      const { caller, body } = request
      const now = clock.now()
      const nextAt = timeOf(body, now)
      const tenantId = caller.tenant.id
      if ((await schedules.list(tenantId)).length >= MAX_SCHEDULES)
        throw conflict('too-many-schedules', `a tenant may have ${MAX_SCHEDULES} schedules`)
      const key = idempotencyKey(request)
      const id =
        key === undefined ? newId('sch', now, () => clock.random()) : derivedId('sch', tenantId, 'key', key, bodyHash(body))
      const { cron, timeZone, query } = body
      const schedule: Schedule = {
        id,
        tenantId,
        order: orderOf(body),
        query,
        cron,
        timeZone,
        nextAt,
        lastAt: null,
        lastSetId: null,
        createdAt: now,
      }
      await schedules.add(schedule)
      return reply.code(201).send(scheduleView(schedule))
    },
  )

  app.get(
    '/document-sets/schedules',
    {
      config: { roles: ['read', 'ingest', 'operator'] },
      schema: {
        ...schema('What is digested when'),
        response: responses({ 200: z.object({ schedules: z.array(ScheduleView) }) }),
      },
    },
    async ({ caller }) => ({ schedules: (await schedules.list(caller.tenant.id)).map(scheduleView) }),
  )

  app.delete(
    '/document-sets/schedules/:id',
    {
      config: { roles: ['ingest', 'operator'] },
      schema: {
        ...schema('Digest no more; sets that were made go on'),
        params: ById,
        response: responses({ 204: z.undefined().describe('removed') }),
      },
    },
    async ({ caller, params }, reply) => {
      if (!(await schedules.remove(caller.tenant.id, params.id))) throw notFound('schedule')
      return reply.code(204).send()
    },
  )
}

function timeOf({ cron, timeZone }: Pick<ScheduleInput, 'cron' | 'timeZone'>, now: Date): Date {
  try {
    return nextTime(cron, timeZone, now)
  } catch (error) {
    const { message } = error as Error
    throw invalid([{ field: message.includes('time zone') ? 'timeZone' : 'cron', message }])
  }
}
