import * as z from 'zod'
import { TENANT_ID, type Tenant, TenantConfig } from '#shared/domain/tenant.ts'
import type { App } from '../app.ts'
import type { Caller } from '../auth.ts'
import type { ApiDeps } from '../deps.ts'
import { conflict, fieldErrors, invalid, notFound, Problem } from '../problem.ts'
import { Moment, responses, Text } from '../schemas.ts'

const TenantId = z.string().regex(TENANT_ID, 'must be lower-case letters, digits and -, at most 63 characters')
export const ByTenantId = z.object({ id: TenantId })
const Name = Text(200).min(1)
const NewTenant = z.strictObject({ id: TenantId, name: Name, config: TenantConfig.prefault({}) })
const Change = z.strictObject({
  name: Name.optional(),
  /** Sections and their settings as in the tenant's configuration; what is not named stays as it is. */
  config: z.record(z.string(), z.unknown()).optional(),
})
const View = z.object({
  id: z.string(),
  name: z.string(),
  config: z.record(z.string(), z.unknown()),
  createdAt: Moment,
})

/** A webhook secret goes in and never comes out again. */
function view({ id, name, config, createdAt }: Tenant): z.infer<typeof View> {
  const { secret, ...webhook } = config.webhook
  return {
    id,
    name,
    config: { ...config, webhook: { ...webhook, secretSet: secret !== undefined } },
    createdAt: createdAt.toISOString(),
  }
}

/**
 * The tenant a route is about. Whoever runs the installation reaches all of them, a tenant's own admin only theirs.
 * @throws Problem 404
 */
export async function tenantFor(caller: Caller, tenantId: string, deps: Pick<ApiDeps, 'tenants'>): Promise<Tenant> {
  const tenant = caller.runsInstallation || caller.tenant.id === tenantId ? await deps.tenants.get(tenantId) : undefined
  if (!tenant) throw notFound('tenant')
  return tenant
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A merge patch (RFC 7396) as deep as a configuration is; null takes a setting back to its default. @throws Problem 422 */
function patched(config: TenantConfig, patch: Readonly<Record<string, unknown>>): TenantConfig {
  const merged: Record<string, unknown> = { ...config }
  for (const [section, change] of Object.entries(patch)) {
    const before = (config as Record<string, unknown>)[section]
    merged[section] = isRecord(before) && isRecord(change) ? dropNulls({ ...before, ...change }) : change
  }
  const result = TenantConfig.safeParse(dropNulls(merged))
  if (result.success) return result.data
  throw invalid(fieldErrors(result.error.issues.map((issue) => ({ ...issue, path: ['config', ...issue.path] }))))
}
const dropNulls = (record: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null))

/** Calls are paid with the installation's provider keys, so what a tenant may spend in all is the installation's to say. */
const sameCap = (before: TenantConfig, after: TenantConfig) =>
  before.budgets.tenant.dayUsd === after.budgets.tenant.dayUsd && before.budgets.tenant.monthUsd === after.budgets.tenant.monthUsd

export function tenantRoutes(app: App, deps: ApiDeps): void {
  const { tenants, clock } = deps
  const config = { roles: ['admin'] as const }

  app.post(
    '/tenants',
    { config, schema: { tags: ['tenants'], summary: 'Add a tenant', body: NewTenant, response: responses({ 201: View }) } },
    async ({ caller, body }, reply) => {
      if (!caller.runsInstallation)
        throw new Problem(403, 'forbidden', 'only the key of the installation (ADMIN_API_KEY) adds tenants')
      const at = clock.now()
      const tenant: Tenant = { ...body, createdAt: at }
      if (!(await tenants.create(tenant))) throw conflict('tenant-exists', 'there is a tenant of this id already')
      await tenants.audit({ tenantId: tenant.id, actor: caller.actor, action: 'tenant.created', target: tenant.id, at })
      return reply.code(201).send(view(tenant))
    },
  )

  app.get(
    '/tenants/:id',
    { config, schema: { tags: ['tenants'], summary: 'A tenant', params: ByTenantId, response: responses({ 200: View }) } },
    async ({ caller, params }) => view(await tenantFor(caller, params.id, deps)),
  )

  app.patch(
    '/tenants/:id',
    {
      config,
      schema: {
        tags: ['tenants'],
        summary: 'Change a tenant',
        params: ByTenantId,
        body: Change,
        response: responses({ 200: View }),
      },
    },
    async ({ caller, params, body }) => {
      const before = await tenantFor(caller, params.id, deps)
      // Limits protect the installation from the tenant, so the tenant cannot lift them.
      if (!caller.runsInstallation && body.config && 'limits' in body.config)
        throw new Problem(403, 'forbidden', 'limits are set with the key of the installation (ADMIN_API_KEY)')
      const change = {
        ...(body.name === undefined ? {} : { name: body.name }),
        ...(body.config === undefined ? {} : { config: patched(before.config, body.config) }),
      }
      if (!caller.runsInstallation && change.config && !sameCap(before.config, change.config))
        throw new Problem(403, 'forbidden', 'budgets.tenant is set with the key of the installation (ADMIN_API_KEY)')
      const tenant = await tenants.update(before.id, change)
      if (!tenant) throw notFound('tenant')
      const detail = { name: body.name !== undefined, sections: Object.keys(body.config ?? {}) }
      await tenants.audit({
        tenantId: tenant.id,
        actor: caller.actor,
        action: 'tenant.changed',
        target: tenant.id,
        detail,
        at: clock.now(),
      })
      return view(tenant)
    },
  )
}
