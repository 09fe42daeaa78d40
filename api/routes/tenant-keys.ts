import { randomBytes } from 'node:crypto'
import * as z from 'zod'
import { newId } from '#shared/domain/id.ts'
import { Role } from '#shared/domain/tenant.ts'
import type { ApiKey } from '#shared/ports/tenant-store.ts'
import type { App } from '../app.ts'
import { type Caller, hashKey } from '../auth.ts'
import type { ApiDeps } from '../deps.ts'
import { invalid, notFound } from '../problem.ts'
import { Id, isStorable, Moment, responses, STORABLE, Text } from '../schemas.ts'
import { ByTenantId, tenantFor } from './tenants.ts'

const NewKey = z.strictObject({
  name: Text(200).min(1),
  roles: z.array(Role).min(1).max(Role.options.length),
  expiresAt: z.iso
    .datetime({ offset: true })
    .refine((text) => isStorable(new Date(text)), STORABLE)
    .optional(),
})
const View = z.object({
  id: z.string(),
  name: z.string(),
  roles: z.array(Role),
  createdAt: Moment,
  expiresAt: Moment.nullable(),
})
const view = ({ id, name, roles, createdAt, expiresAt }: ApiKey): z.infer<typeof View> => ({
  id,
  name,
  roles: [...roles],
  createdAt: createdAt.toISOString(),
  expiresAt: expiresAt?.toISOString() ?? null,
})

/** 256 bits from the system's generator: a key cannot be guessed, so its plain SHA-256 may be stored. */
const newKey = () => `al_${randomBytes(32).toString('base64url')}`

export function tenantKeyRoutes(app: App, deps: ApiDeps): void {
  const { tenants, clock } = deps
  const config = { roles: ['admin'] as const }

  app.post(
    '/tenants/:id/keys',
    {
      config: { ...config, idempotency: 'sealed' },
      schema: {
        tags: ['tenants'],
        summary: 'Make a key; it is shown this once',
        params: ByTenantId,
        body: NewKey,
        response: responses({ 201: View.extend({ key: z.string() }) }),
      },
    },
    async ({ caller, params, body }, reply) => {
      const tenant = await tenantFor(caller, params.id, deps)
      const at = clock.now()
      const expiresAt = body.expiresAt === undefined ? null : new Date(body.expiresAt)
      if (expiresAt && expiresAt <= at) throw invalid([{ field: 'expiresAt', message: 'must be in the future' }])
      const id = newId('key', at, () => clock.random())
      const apiKey: ApiKey = {
        id,
        tenantId: tenant.id,
        name: body.name,
        roles: [...new Set(body.roles)],
        createdAt: at,
        expiresAt,
      }
      const key = newKey()
      await tenants.addKey(apiKey, hashKey(key))
      const detail = { roles: apiKey.roles }
      await tenants.audit({ tenantId: tenant.id, actor: caller.actor, action: 'key.created', target: id, detail, at })
      return reply.code(201).send({ ...view(apiKey), key })
    },
  )

  app.get(
    '/tenants/:id/keys',
    {
      config,
      schema: {
        tags: ['tenants'],
        summary: 'The keys in use, without the keys themselves',
        params: ByTenantId,
        response: responses({ 200: z.object({ keys: z.array(View) }) }),
      },
    },
    async ({ caller, params }) => {
      const tenant = await tenantFor(caller, params.id, deps)
      return { keys: (await tenants.keys(tenant.id)).map(view) }
    },
  )

  const revoke = async (caller: Caller, tenantId: string, keyId: string): Promise<void> => {
    const tenant = await tenantFor(caller, tenantId, deps)
    const at = clock.now()
    if (!(await tenants.revokeKey(tenant.id, keyId, at))) throw notFound('key')
    await tenants.audit({ tenantId: tenant.id, actor: caller.actor, action: 'key.revoked', target: keyId, at })
  }
  const summary = 'Revoke a key; every process has forgotten it within seconds'
  const response = responses({ 204: z.undefined().describe('revoked') })

  app.delete(
    '/tenants/:id/keys',
    { config, schema: { tags: ['tenants'], summary, params: ByTenantId, querystring: z.strictObject({ keyId: Id }), response } },
    async ({ caller, params, query }, reply) => {
      await revoke(caller, params.id, query.keyId)
      return reply.code(204).send()
    },
  )
  app.delete(
    '/tenants/:id/keys/:keyId',
    { config, schema: { tags: ['tenants'], summary, params: ByTenantId.extend({ keyId: Id }), response } },
    async ({ caller, params }, reply) => {
      await revoke(caller, params.id, params.keyId)
      return reply.code(204).send()
    },
  )
}
