import pg from 'pg'
import { retryable } from '#shared/domain/failure.ts'
import { isStoreAway } from '#shared/domain/store-away.ts'
import type { Row, SqlEngine } from './client.ts'

// int8 as number: our counters stay far below 2^53. numeric as number: dollars with 8 decimals.
pg.types.setTypeParser(20, Number)
pg.types.setTypeParser(1700, Number)

/** A serialisation failure and a deadlock: the same statement goes through when it comes again. */
const AGAIN = new Set(['40001', '40P01'])

/** Steps try again after such an error, and the API says 503, instead of taking it for a defect of ours. */
function failureOfPostgres(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown }
  const away = isStoreAway(error) || AGAIN.has(String(code))
  return away ? retryable('database-unavailable', String(message), undefined, error) : error
}

/**
 * @param url postgres://user:password@host:port/database
 * @throws `database-unavailable` (retryable) where time heals; other errors of the server as they are
 */
export function openPostgres(
  url: string,
  options: { maxConnections?: number; onError?: (error: Error) => void } = {},
): SqlEngine {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    // A statement that takes longer than this is a mistake or a lock; the step's deadline is no help to the server.
    statement_timeout: 30_000,
    application_name: 'answerline',
  })
  // An idle connection that the server closes (restart, pg_terminate_backend) must not end the process; the pool opens another.
  pool.on('error', (error) => options.onError?.(error))
  return {
    kind: 'postgres',
    async query(sql, params, name) {
      try {
        const result = await pool.query({ text: sql, values: params as unknown[], ...(name ? { name } : {}) })
        // Several statements in one text, as migrations have them, come back as several results.
        return (Array.isArray(result) ? result.at(-1) : result).rows as Row[]
      } catch (error) {
        throw failureOfPostgres(error)
      }
    },
    close: () => pool.end(),
  }
}
