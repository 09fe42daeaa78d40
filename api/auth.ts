import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { DEFAULT_TENANT_ID, Role, TENANT_ID, type Tenant } from '#shared/domain/tenant.ts'
import type { ApiDeps, Identity } from './deps.ts'
import { notFound, Problem } from './problem.ts'

export type Caller = {
  readonly tenant: Tenant
  /** The key's id, or `admin`: goes into logs, audit and claims, never the key itself. */
  readonly actor: string
  readonly roles: ReadonlySet<Role>
  /** Whoever holds `ADMIN_API_KEY` runs the installation; a tenant's own admin keys end at that tenant. */
  readonly runsInstallation: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
  }
  interface FastifyContextConfig {
    /** Any one of these opens the route; `admin` opens all. Every route below `/v1` names some. */
    roles?: readonly Role[]
  }
}

const EVERY_ROLE: ReadonlySet<Role> = new Set(Role.options)
/** Roles that work on tickets see what the customer wrote; others see it masked, as screening left it. */
export const maySeeRaw = (roles: ReadonlySet<Role>) => roles.has('agent') || roles.has('operator') || roles.has('admin')

const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i

type AuthDeps = Pick<ApiDeps, 'tenants' | 'adminKeyHash' | 'clock'>
export const hashKey = (key: string): Uint8Array => hash('sha256', key, 'buffer')

/** @throws Problem 401, 403 or 404 (a tenant that is not there) */
export async function authenticate(request: FastifyRequest, deps: AuthDeps): Promise<Caller> {
  const header = request.headers.authorization
  const key = header === undefined ? undefined : BEARER.exec(header)?.[1]
  if (key === undefined) throw new Problem(401, 'unauthenticated', 'send a key as "Authorization: Bearer <key>"')
  const named = request.headers['x-tenant-id']
  const caller = await callerBehind(key, typeof named === 'string' ? named : undefined, deps)
  if (!caller) throw new Problem(401, 'unauthenticated', 'the key is unknown, expired or revoked')
  return caller
}

/** @throws Problem 403 when none of the roles is held */
export function authorize(caller: Caller, roles: readonly Role[]): void {
  if (caller.roles.has('admin') || roles.some((role) => caller.roles.has(role))) return
  throw new Problem(403, 'forbidden', `this needs a key with one of the roles: ${roles.join(', ')}`)
}

async function callerBehind(key: string, namedTenantId: string | undefined, deps: AuthDeps): Promise<Caller | undefined> {
  const keyHash = hashKey(key)
  // Hashes of one length: the comparison takes the same time however much of them agrees.
  if (timingSafeEqual(keyHash, deps.adminKeyHash)) {
    const tenantId = namedTenantId ?? DEFAULT_TENANT_ID
    const tenant = TENANT_ID.test(tenantId) ? await deps.tenants.get(tenantId) : undefined
    if (!tenant) throw notFound('tenant')
    return { tenant, actor: 'admin', roles: EVERY_ROLE, runsInstallation: true }
  }
  const known = await deps.tenants.findKey(keyHash, deps.clock.now())
  if (!known) return undefined
  // A key cannot leave its tenant; naming another one is answered as if that tenant were not there.
  if (namedTenantId !== undefined && namedTenantId !== known.tenantId) throw notFound('tenant')
  const tenant = await deps.tenants.get(known.tenantId)
  return tenant && { tenant, actor: known.id, roles: new Set(known.roles), runsInstallation: false }
}

/** For mounts: who is behind a key, however it came; undefined for nobody. */
export const identifier =
  (deps: AuthDeps) =>
  async (key: string, tenantId?: string): Promise<Identity | undefined> => {
    try {
      const caller = await callerBehind(key, tenantId, deps)
      return caller && { tenantId: caller.tenant.id, actor: caller.actor, roles: caller.roles }
    } catch (error) {
      if (error instanceof Problem) return undefined
      throw error
    }
  }
