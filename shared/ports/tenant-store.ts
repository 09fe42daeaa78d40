import type { Role, Tenant, TenantConfig } from '#shared/domain/tenant.ts'

export type ApiKey = {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly roles: readonly Role[]
  readonly createdAt: Date
  readonly expiresAt: Date | null
}

export interface TenantStore {
  /** Cached for a few seconds per process. */
  get(tenantId: string): Promise<Tenant | undefined>
  list(): Promise<Tenant[]>
  /** @returns false when the id is taken */
  create(tenant: Tenant): Promise<boolean>
  update(tenantId: string, change: { readonly name?: string; readonly config?: TenantConfig }): Promise<Tenant | undefined>
  addKey(key: ApiKey, keyHash: Uint8Array): Promise<void>
  keys(tenantId: string): Promise<ApiKey[]>
  revokeKey(tenantId: string, keyId: string, at: Date): Promise<boolean>
  /** Valid keys only; cached for a few seconds per process. */
  findKey(keyHash: Uint8Array, now: Date): Promise<ApiKey | undefined>
  audit(entry: {
    readonly tenantId: string
    readonly actor: string
    readonly action: string
    readonly target: string
    readonly detail?: Readonly<Record<string, unknown>>
    readonly at: Date
  }): Promise<void>
}
