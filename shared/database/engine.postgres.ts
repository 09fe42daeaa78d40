import pg from 'pg'
import type { Row, SqlEngine } from './client.ts'

// int8 as number: our counters stay far below 2^53. numeric as number: dollars with 8 decimals.
pg.types.setTypeParser(20, Number)
pg.types.setTypeParser(1700, Number)

/** @param url postgres://user:password@host:port/database */
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
      const result = await pool.query({ text: sql, values: params as unknown[], ...(name ? { name } : {}) })
      return result.rows as Row[]
    },
    close: () => pool.end(),
  }
}
