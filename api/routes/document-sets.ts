import * as z from 'zod'
import { type Member, membersOf, newDocumentSet, type SetDraft } from '#pipelines/new-document-set.ts'
import { DocumentSetInput, MAX_SELECTED_DOCUMENTS, orderOf } from '#shared/domain/document-set.ts'
import { derivedId, newId } from '#shared/domain/id.ts'
import type { DocumentSet } from '#shared/ports/document-set-store.ts'
import { newTraceId, traceIdFrom } from '../accept-ticket.ts'
import type { App } from '../app.ts'
import type { Caller } from '../auth.ts'
import type { ApiDeps, ApiLimits } from '../deps.ts'
import { resultLines } from '../document-set-results.ts'
import { AcceptedSet, acceptedView, SetList, SetView, setHead, setView } from '../document-set-view.ts'
import { bodyHash, idempotencyKey } from '../idempotency.ts'
import { checkBacklog } from '../limits.ts'
import { conflict, invalid, notFound } from '../problem.ts'
import { ById, Id, Limit, responses } from '../schemas.ts'

const READERS = ['read', 'ingest', 'agent', 'operator'] as const
const KEY_KEPT_MS = 24 * 3_600_000
const schema = (summary: string) => ({ tags: ['document sets'], summary })

export function documentSetRoutes(app: App, deps: ApiDeps, limits: ApiLimits): void {
  orderingRoutes(app, deps, limits)
  readingRoutes(app, deps)
}

function orderingRoutes(app: App, deps: ApiDeps, limits: ApiLimits): void {
  app.post(
    '/document-sets',
    {
      bodyLimit: limits.maxDocumentBytes,
      config: { roles: ['ingest'] },
      schema: {
        ...schema('Digest many documents: summarise, classify, extract, faq or contextualise each of them'),
        body: DocumentSetInput,
        response: responses({ 202: AcceptedSet }),
      },
    },
    async (request, reply) => {
      const { caller, body, headers } = request
      checkBacklog(caller.tenant, deps)
      const members = await membersFor(caller, body, deps)
      const traceId = traceIdFrom(headers.traceparent) ?? newTraceId(() => deps.clock.random())
      const draft = { tenantId: caller.tenant.id, order: orderOf(body), scheduleId: null, traceId, createdAt: deps.clock.now() }
      const key = idempotencyKey(request)
      const { id, total } = await createOnce(draft, members, key && `${key} ${bodyHash(body)}`, deps)
      return reply.code(202).send(acceptedView(id, total))
    },
  )

  app.post(
    '/document-sets/:id/cancel',
    {
      config: { roles: ['ingest', 'operator'] },
      schema: {
        ...schema('Cancel what has not been digested yet, also at the provider where that is possible'),
        params: ById,
        response: responses({ 202: AcceptedSet.pick({ documentSetId: true, state: true, links: true }) }),
      },
    },
    async ({ caller, params }, reply) => {
      const state = await deps.documentSets.cancel(caller.tenant.id, params.id)
      if (state === undefined) throw notFound('document set')
      if (state !== 'cancelling') throw conflict('document-set-ended', `the set is ${state} already`)
      const { tenant, actor } = caller
      const audited = {
        tenantId: tenant.id,
        actor,
        action: 'document-set.cancelled',
        target: params.id,
        detail: {},
        at: deps.clock.now(),
      }
      await deps.tenants.audit(audited)
      return reply.code(202).send({ ...acceptedView(params.id, 0), state })
    },
  )

  app.delete(
    '/document-sets/:id',
    {
      config: { roles: ['ingest', 'operator'] },
      schema: {
        ...schema('Remove a set with its results; what is under way is cancelled, without a callback'),
        params: ById,
        response: responses({ 204: z.undefined().describe('removed') }),
      },
    },
    async ({ caller, params }, reply) => {
      const { tenant, actor } = caller
      const at = deps.clock.now()
      if (!(await deps.documentSets.remove(tenant.id, params.id, at))) throw notFound('document set')
      const audited = { tenantId: tenant.id, actor, action: 'document-set.deleted', target: params.id, detail: {}, at }
      await deps.tenants.audit(audited)
      return reply.code(204).send()
    },
  )
}

/**
 * The key names the set: should its response get lost with this process, a repeat finds the set and makes no second one. A key is kept
 * for a day; after that the same request is a new one.
 */
async function createOnce(
  draft: Omit<SetDraft, 'id'>,
  members: readonly Member[],
  key: string | undefined,
  { documentSets, clock }: ApiDeps,
) {
  const { tenantId } = draft
  const id = key === undefined ? newId('set', draft.createdAt, () => clock.random()) : derivedId('set', tenantId, 'key', key)
  if (await documentSets.create(newDocumentSet({ ...draft, id }, members))) return { id, total: members.length }
  const standing = await documentSets.find(tenantId, id)
  if (standing && draft.createdAt.getTime() - standing.createdAt.getTime() < KEY_KEPT_MS)
    return { id, total: standing.progress.total }
  const another = newId('set', draft.createdAt, () => clock.random())
  await documentSets.create(newDocumentSet({ ...draft, id: another }, members))
  return { id: another, total: members.length }
}

async function membersFor({ tenant }: Caller, { documents, query }: DocumentSetInput, deps: ApiDeps) {
  if (documents) return membersOf(documents)
  const found = await deps.documentSets.select(tenant.id, query ?? {}, { limit: MAX_SELECTED_DOCUMENTS + 1 })
  if (found.length === 0) throw invalid([{ field: 'query', message: 'selects no indexed document' }])
  if (found.length > MAX_SELECTED_DOCUMENTS)
    throw invalid([{ field: 'query', message: `selects more than ${MAX_SELECTED_DOCUMENTS} documents` }])
  return found
}

function readingRoutes(app: App, deps: ApiDeps): void {
  const find = async ({ tenant }: Caller, id: string): Promise<DocumentSet> => {
    const set = await deps.documentSets.find(tenant.id, id)
    if (!set) throw notFound('document set')
    return set
  }

  app.get(
    '/document-sets',
    {
      config: { roles: [...READERS] },
      schema: {
        ...schema('Document sets, newest first'),
        querystring: z.object({ after: Id.optional(), limit: Limit(50, 500) }),
        response: responses({ 200: SetList }),
      },
    },
    async ({ caller, query }) => {
      const sets = await deps.documentSets.list(caller.tenant.id, { before: query.after, limit: query.limit })
      const now = deps.clock.now()
      return { documentSets: sets.map((set) => setHead(set, now)), next: sets.length < query.limit ? null : sets.at(-1)!.id }
    },
  )

  app.get(
    '/document-sets/:id',
    {
      config: { roles: [...READERS] },
      schema: {
        ...schema('State, progress, expected end, cost, and the documents without a result'),
        params: ById,
        response: responses({ 200: SetView }),
      },
    },
    async ({ caller, params }) => setView(await find(caller, params.id), deps),
  )

  app.get(
    '/document-sets/:id/results',
    {
      config: { roles: [...READERS] },
      schema: { ...schema('One line for each document that has ended, in order: NDJSON, streamed'), params: ById },
    },
    async ({ caller, params }, reply) => {
      const set = await find(caller, params.id)
      return reply.type('application/x-ndjson; charset=utf-8').send(resultLines(set, deps.documentSets)) as never
    },
  )
}
