import * as z from 'zod'
import type { PersonResult } from '#pipelines/define.ts'
import type { supportTicket } from '#pipelines/support-ticket.ts'
import { MAX_BODY_CHARACTERS } from '#shared/domain/ticket.ts'
import type { Escalation } from '#shared/ports/escalation-store.ts'
import type { App } from '../app.ts'
import type { Caller } from '../auth.ts'
import type { ApiDeps } from '../deps.ts'
import { conflict, invalid, notFound } from '../problem.ts'
import { ById, Flag, Id, Limit, Moment, responses, Text } from '../schemas.ts'

const View = z.object({
  id: z.string(),
  ticketId: z.string(),
  runId: z.string(),
  severity: z.string(),
  reason: z.string(),
  summary: z.string(),
  evidence: z.array(z.object({ title: z.string(), url: z.string().nullable(), text: z.string() })),
  createdAt: Moment,
  expiresAt: Moment,
  claimedBy: z.string().nullable(),
  claimedAt: Moment.nullable(),
  resolution: z.string().nullable(),
  resolvedBy: z.string().nullable(),
  resolvedAt: Moment.nullable(),
})
const Page = z.object({ escalations: z.array(View), next: z.string().nullable().describe('`after` of the next page') })
const view = ({ visit: _visit, tenantId: _tenantId, ...rest }: Escalation): z.infer<typeof View> => ({
  ...rest,
  evidence: rest.evidence.map(({ title, url, text }) => ({ title, url: url ?? null, text })),
  createdAt: rest.createdAt.toISOString(),
  expiresAt: rest.expiresAt.toISOString(),
  claimedAt: rest.claimedAt?.toISOString() ?? null,
  resolvedAt: rest.resolvedAt?.toISOString() ?? null,
})

const Resolution = z.strictObject({
  decision: z.enum(['answer', 'dismiss']),
  /** What the customer is to read; needed for `answer`. */
  text: Text(MAX_BODY_CHARACTERS).optional(),
  reason: Text(2_000).optional(),
})
type Resolution = z.infer<typeof Resolution>

/** @throws Problem 422 */
function rulingOf(
  input: Resolution,
  by: string,
): PersonResult<typeof supportTicket, 'escalate'> & { outcome: 'answered' | 'dismissed' } {
  const { decision, text = '', reason = '' } = input
  const ruling = { by, decision, text, reason }
  if (decision === 'dismiss') return { outcome: 'dismissed', facts: { ruling } }
  if (text.trim().length === 0) throw invalid([{ field: 'text', message: 'must not be empty when the decision is "answer"' }])
  return { outcome: 'answered', facts: { ruling, answer: { text, citations: [], confidence: 1, followUps: [], by: 'person' } } }
}

const mayOverrule = ({ roles }: Caller) => roles.has('operator') || roles.has('admin')

export function escalationRoutes(app: App, deps: ApiDeps): void {
  const { escalations, mover, clock } = deps
  const roles = ['agent', 'operator'] as const

  const findOpen = async (caller: Caller, id: string): Promise<Escalation> => {
    const escalation = await escalations.find(caller.tenant.id, id)
    if (!escalation) throw notFound('escalation')
    if (escalation.resolution) throw conflict('already-resolved', `the escalation is ${escalation.resolution} already`)
    return escalation
  }

  app.get(
    '/escalations',
    {
      config: { roles },
      schema: {
        tags: ['escalations'],
        summary: 'The human queue',
        querystring: z.strictObject({
          open: Flag.default('true'),
          claimedBy: Text(100).optional(),
          after: Id.optional(),
          limit: Limit(50, 500),
        }),
        response: responses({ 200: Page }),
      },
    },
    async ({ caller, query }) => {
      const claimedBy = query.claimedBy === undefined ? {} : { claimedBy: query.claimedBy }
      const after = query.after === undefined ? {} : { after: query.after }
      const { limit } = query
      const found = await escalations.list(caller.tenant.id, { open: query.open === 'true', ...claimedBy, ...after, limit })
      return { escalations: found.map(view), next: found.length < limit ? null : found.at(-1)!.id }
    },
  )

  app.post(
    '/escalations/:id/claim',
    {
      config: { roles },
      schema: { tags: ['escalations'], summary: 'Take one on', params: ById, response: responses({ 200: View }) },
    },
    async ({ caller, params }) => {
      await findOpen(caller, params.id)
      const mine = await escalations.claim(caller.tenant.id, params.id, caller.actor, clock.now())
      const now = await escalations.find(caller.tenant.id, params.id)
      if (!now) throw notFound('escalation')
      if (!mine && now.claimedBy !== caller.actor) throw conflict('claimed-by-another', 'somebody else has taken this one on')
      return view(now)
    },
  )

  app.post(
    '/escalations/:id/resolve',
    {
      config: { roles },
      schema: {
        tags: ['escalations'],
        summary: 'Answer it or dismiss it',
        params: ById,
        body: Resolution,
        response: responses({ 200: View }),
      },
    },
    async ({ caller, params, body }) => {
      const result = rulingOf(body, caller.actor)
      const escalation = await findOpen(caller, params.id)
      if (escalation.claimedBy !== null && escalation.claimedBy !== caller.actor && !mayOverrule(caller))
        throw conflict('claimed-by-another', 'somebody else has taken this one on')
      const { runId, tenantId } = escalation
      const moved = await mover.move(runId, { kind: 'completed', ...result }, caller.actor)
      if (!moved.moved) throw conflict('not-resolvable', `the run no longer waits for this decision: ${moved.why}`)
      const at = clock.now()
      await escalations.resolve(tenantId, runId, result.outcome, caller.actor, at)
      await deps.tenants.audit({
        tenantId,
        actor: caller.actor,
        action: `escalation.${result.outcome}`,
        target: escalation.id,
        at,
      })
      return view((await escalations.find(tenantId, escalation.id)) ?? escalation)
    },
  )
}
