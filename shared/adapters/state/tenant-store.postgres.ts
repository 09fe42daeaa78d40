import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { toJson } from '#shared/database/json.ts'
import { Role, type Tenant, TenantConfig } from '#shared/domain/tenant.ts'
import type { ApiKey, TenantStore } from '#shared/ports/tenant-store.ts'

const TenantRow = z.object({ id: z.string(), name: z.string(), config: TenantConfig, created_at: z.date() })
const KeyRow = z.object({
  id: z.string(),
  tenant_id: z.string(),
  name: z.string(),
  roles: z.array(Role),
  created_at: z.date(),
  expires_at: z.date().nullable(),
})

const KEY_COLUMNS = 'id, tenant_id, name, roles, created_at, expires_at'
const ALL_TENANTS = 'tenants are what is asked for'
const BY_HASH = 'the tenant is what the key tells'

/**
 * @param cacheMs how long a process may go on with what it read; a revoked key works at most that long. Counted by a clock that
 * never jumps.
 */
export function createTenantStore(database: Database, { cacheMs = 5_000 }: { cacheMs?: number } = {}): TenantStore {
  const readTenant = async (tenantId: string) => {
    const sql = 'SELECT id, name, config::text AS config, created_at FROM tenants WHERE id = $1'
    const [row] = await database.asSystem(ALL_TENANTS, sql, [tenantId], 'tenant-get')
    return row && once(row)
  }
  const readKey = async (hash: string) => {
    const sql = `SELECT ${KEY_COLUMNS} FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL`
    const rows = await database.asSystem(BY_HASH, sql, [Buffer.from(hash, 'base64')], 'key-find')
    return rows.length === 0 ? undefined : toKey(rows[0])
  }
  const once = parsedOnce()
  const tenants = briefly(readTenant, cacheMs)
  const keys = briefly(readKey, cacheMs)
  return {
    get: tenants.get,
    async list() {
      const rows = await database.asSystem(ALL_TENANTS, 'SELECT id, name, config, created_at FROM tenants ORDER BY id')
      return rows.map(toTenant)
    },
    async create({ id, name, config, createdAt }) {
      const sql =
        'INSERT INTO tenants (id, name, config, created_at) VALUES ($1, $2, $3::jsonb, $4) ON CONFLICT (id) DO NOTHING RETURNING id'
      const rows = await database.asSystem(ALL_TENANTS, sql, [id, name, toJson(config), createdAt])
      tenants.forget(id)
      return rows.length > 0
    },
    async update(tenantId, { name, config }) {
      const sql = `
        UPDATE tenants SET name = COALESCE($2, name), config = COALESCE($3::jsonb, config) WHERE id = $1
        RETURNING id, name, config, created_at`
      const rows = await database.asSystem(ALL_TENANTS, sql, [
        tenantId,
        name ?? null,
        config === undefined ? null : toJson(config),
      ])
      tenants.forget(tenantId)
      return rows.length === 0 ? undefined : toTenant(rows[0])
    },
    async addKey(key, keyHash) {
      const sql = `
        INSERT INTO api_keys (tenant_id, id, name, key_hash, roles, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
      const params = [key.id, key.name, Buffer.from(keyHash), key.roles, key.createdAt, key.expiresAt]
      await database.forTenant(key.tenantId, sql, params)
      keys.forget(Buffer.from(keyHash).toString('base64'))
    },
    async keys(tenantId) {
      const sql = `SELECT ${KEY_COLUMNS} FROM api_keys WHERE tenant_id = $1 AND revoked_at IS NULL ORDER BY created_at, id`
      return (await database.forTenant(tenantId, sql)).map(toKey)
    },
    async revokeKey(tenantId, keyId, at) {
      const sql = `
        UPDATE api_keys SET revoked_at = $3 WHERE tenant_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING encode(key_hash, 'base64') AS hash`
      const rows = await database.forTenant(tenantId, sql, [keyId, at])
      for (const row of rows) keys.forget(String(row.hash))
      return rows.length > 0
    },
    async findKey(keyHash, now) {
      const key = await keys.get(Buffer.from(keyHash).toString('base64'))
      return key && (key.expiresAt === null || key.expiresAt > now) ? key : undefined
    },
    async audit({ tenantId, actor, action, target, detail, at }) {
      const sql =
        'INSERT INTO audit_log (tenant_id, actor, action, target, detail, created_at) VALUES ($1, $2, $3, $4, $5::jsonb, $6)'
      await database.forTenant(tenantId, sql, [actor, action, target, toJson(detail ?? {}), at])
    },
  }
}

/** Remembers what was read, and that there was nothing, for `cacheMs`; askers that come together share one read. */
function briefly<Value>(read: (name: string) => Promise<Value | undefined>, cacheMs: number) {
  const cache = new LRUCache<string, { readonly value: Promise<Value | undefined> }>({ max: 10_000, ttl: cacheMs })
  return {
    get(name: string): Promise<Value | undefined> {
      const held = cache.get(name)
      if (held) return held.value
      const entry = { value: read(name) }
      // Strangers' names must not push out those that are used all the time, nor may a failure be remembered.
      entry.value.catch(() => cache.get(name) === entry && cache.delete(name))
      if (cacheMs > 0) cache.set(name, entry)
      return entry.value
    },
    forget: (name: string) => void cache.delete(name),
  }
}

/**
 * A tenant with a thousand labelled messages takes a quarter of a second to parse, and is read anew every few seconds: what has
 * not changed since is the same object as before.
 */
function parsedOnce() {
  const latest = new LRUCache<string, { readonly digest: string; readonly tenant: Tenant }>({ max: 200 })
  return (row: Record<string, unknown>): Tenant => {
    const config = String(row.config)
    const digest = createHash('sha256')
      .update(`${String(row.name)}\n${config}`)
      .digest('base64')
    const id = String(row.id)
    const before = latest.get(id)
    if (before?.digest === digest) return before.tenant
    const tenant = toTenant({ ...row, config: JSON.parse(config) })
    latest.set(id, { digest, tenant })
    return tenant
  }
}

function toTenant(row: unknown): Tenant {
  const { id, name, config, created_at } = TenantRow.parse(row)
  return { id, name, config, createdAt: created_at }
}

function toKey(row: unknown): ApiKey {
  const { id, tenant_id, name, roles, created_at, expires_at } = KeyRow.parse(row)
  return { id, tenantId: tenant_id, name, roles, createdAt: created_at, expiresAt: expires_at }
}
