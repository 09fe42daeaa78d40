export type Row = Record<string, unknown>

/**
 * One SQL dialect, two engines: a PostgreSQL server, or PGlite (PostgreSQL in this process) where there is none.
 * Statements are single and parameterised; several things that must hold together go into one statement (a CTE).
 */
export interface SqlEngine {
  readonly kind: 'postgres' | 'pglite'
  /** @param name makes it a prepared statement, for those on the hot path */
  query(sql: string, params: readonly unknown[], name?: string): Promise<Row[]>
  close(): Promise<void>
}

/**
 * The only way to the tables. A query either speaks for one tenant, and then must say so in its text, or is the system's own
 * and must say why: forgetting the tenant is an error at the first run of the statement, not a leak.
 */
export class Database {
  readonly #engine: SqlEngine

  constructor(engine: SqlEngine) {
    this.#engine = engine
  }

  get kind(): SqlEngine['kind'] {
    return this.#engine.kind
  }

  /**
   * @param sql must compare or insert `tenant_id` with `$1`, which is the tenant; the caller's `params` start at `$2`
   * @throws TypeError when the statement does not name its tenant
   */
  async forTenant(tenantId: string, sql: string, params: readonly unknown[] = [], name?: string): Promise<Row[]> {
    if (!(/tenant_id/.test(sql) && /\$1\b/.test(sql)))
      throw new TypeError(`this statement must name its tenant (tenant_id … $1): ${sql.slice(0, 120)}`)
    return this.#engine.query(sql, [tenantId, ...params], name)
  }

  /**
   * For what belongs to no single tenant: the engine's hops (guarded by run id and seq), the sweeper, start-up, metrics.
   * @param reason why no tenant is named; read by reviewers
   */
  async asSystem(reason: string, sql: string, params: readonly unknown[] = [], name?: string): Promise<Row[]> {
    if (reason.length === 0) throw new TypeError('say why this statement needs no tenant')
    return this.#engine.query(sql, params, name)
  }

  close(): Promise<void> {
    return this.#engine.close()
  }
}
