import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { retryable, type StepFailure, terminal } from '#shared/domain/failure.ts'
import { TENANT_ID } from '#shared/domain/tenant.ts'

/**
 * One SQLite file per tenant in a folder, opened when needed: isolation, deletion and word statistics by construction.
 * Several processes may write: WAL lets readers go on, writers take turns. node:sqlite is synchronous, so everything that
 * passes through here blocks the event loop: keep it to single documents and single queries.
 */
export class SqliteFiles {
  readonly #folder: string
  readonly #schema: Schema
  readonly #maxOpen: number
  /** In order of use, the least recent first. */
  readonly #open = new Map<string, DatabaseSync>()

  constructor(options: { readonly folder: string; readonly schema: Schema; readonly maxOpen?: number }) {
    this.#folder = options.folder
    this.#schema = options.schema
    this.#maxOpen = options.maxOpen ?? 64
    mkdirSync(this.#folder, { recursive: true })
  }

  /** Runs `use` on one snapshot of the tenant's file. @returns undefined when the tenant has no file */
  read<T>(tenantId: string, use: (database: DatabaseSync) => T): T | undefined {
    if (!this.#open.has(tenantId) && !existsSync(this.#path(tenantId))) return undefined
    return translated(() => inTransaction(this.#database(tenantId), 'BEGIN', use))
  }

  /** Runs `use` alone: all of it becomes visible at once, or nothing. Waits for other writers without blocking this process. */
  async write<T>(tenantId: string, signal: AbortSignal, use: (database: DatabaseSync) => T): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      try {
        return inTransaction(this.#database(tenantId), 'BEGIN IMMEDIATE', use)
      } catch (error) {
        if (!isBusy(error) || attempt === MAX_BUSY_ATTEMPTS) throw failureFrom(error)
        await delay(Math.min(5 * attempt, 50), undefined, { signal })
      }
    }
  }

  health(): { ok: boolean; detail: string } {
    try {
      for (const database of this.#open.values()) database.prepare('SELECT 1').get()
      return { ok: existsSync(this.#folder), detail: `sqlite, ${this.#open.size} files open` }
    } catch (error) {
      return { ok: false, detail: String(error) }
    }
  }

  close(): void {
    for (const database of this.#open.values()) database.close()
    this.#open.clear()
  }

  #path(tenantId: string): string {
    if (!TENANT_ID.test(tenantId)) throw new TypeError(`"${tenantId}" is not a tenant id`)
    return join(this.#folder, `${tenantId}.sqlite`)
  }

  #database(tenantId: string): DatabaseSync {
    const database = this.#open.get(tenantId) ?? openFile(this.#path(tenantId), this.#schema)
    this.#open.delete(tenantId)
    this.#open.set(tenantId, database)
    if (this.#open.size > this.#maxOpen) {
      const [oldest, idle] = this.#open.entries().next().value!
      this.#open.delete(oldest)
      idle.close()
    }
    return database
  }
}

export type Schema = {
  /** Grows with every change of `create`; a file of another version is refused, never guessed at. */
  readonly version: number
  readonly create: string
  /** By the version that a file has: brings it to the current one. */
  readonly upgrade?: Readonly<Record<number, (database: DatabaseSync) => void>>
}

const MAX_BUSY_ATTEMPTS = 120
/** SQLite result codes: https://www.sqlite.org/rescode.html */
const BUSY = 5
const LOCKED = 6
const FAILURES: Readonly<Record<number, (message: string, cause: unknown) => StepFailure>> = {
  [BUSY]: (message, cause) => retryable('search-index-busy', message, undefined, cause),
  [LOCKED]: (message, cause) => retryable('search-index-busy', message, undefined, cause),
  10: (message, cause) => retryable('search-index-unreadable', message, undefined, cause),
  11: (message, cause) => terminal('search-index-corrupt', message, cause),
  13: (message, cause) => retryable('search-index-disk-full', message, undefined, cause),
  14: (message, cause) => retryable('search-index-unreadable', message, undefined, cause),
  26: (message, cause) => terminal('search-index-corrupt', message, cause),
}

function openFile(path: string, schema: Schema): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 250 })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA cache_size = -8000')
    inTransaction(database, 'BEGIN IMMEDIATE', () => prepareSchema(database, schema))
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function prepareSchema(database: DatabaseSync, schema: Schema): void {
  const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (found === schema.version) return
  const upgrade = schema.upgrade?.[found]
  if (found !== 0 && upgrade === undefined) {
    throw terminal(
      'search-index-version',
      `the search index has format ${found}, this program needs ${schema.version}: rebuild it`,
    )
  }
  if (upgrade) upgrade(database)
  else database.exec(schema.create)
  database.exec(`PRAGMA user_version = ${schema.version}`)
}

function inTransaction<T>(database: DatabaseSync, begin: 'BEGIN' | 'BEGIN IMMEDIATE', use: (database: DatabaseSync) => T): T {
  database.exec(begin)
  try {
    const result = use(database)
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

const sqliteCode = (error: unknown): number | undefined => {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : undefined
}
const isBusy = (error: unknown) => [BUSY, LOCKED].includes(sqliteCode(error) ?? 0)

function failureFrom(error: unknown): unknown {
  const table = FAILURES[sqliteCode(error) ?? 0]
  return table ? table((error as Error).message, error) : error
}

function translated<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw failureFrom(error)
  }
}
