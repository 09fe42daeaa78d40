import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { toJson } from '#shared/database/json.ts'
import type { IdempotencyStore } from '#shared/ports/idempotency-store.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { createAesGcmSealer } from '../sealing/sealer.aes-gcm.ts'
import { openResponse, sealResponse } from './sealed-response.ts'

const KeptRow = z.object({ route: z.string(), body_hash: z.string(), response: z.unknown() })

/**
 * A key is free when it is new, older than 24 h, or was claimed a minute ago for this very request and never settled: then the
 * process that worked on it has died, and what it did is safe to repeat.
 */
const CLAIM = `
  INSERT INTO idempotency_keys AS k (tenant_id, key, route, body_hash, response, created_at) VALUES ($1, $2, $3, $4, NULL, $5)
  ON CONFLICT (tenant_id, key) DO UPDATE SET route = EXCLUDED.route, body_hash = EXCLUDED.body_hash, response = NULL,
    created_at = EXCLUDED.created_at
  WHERE k.created_at < EXCLUDED.created_at - interval '24 hours'
    OR (k.response IS NULL AND k.route = EXCLUDED.route AND k.body_hash = EXCLUDED.body_hash
      AND k.created_at < EXCLUDED.created_at - interval '60 seconds')
  RETURNING key`

export function createIdempotencyStore(database: Database, sealer: Sealer = createAesGcmSealer([])): IdempotencyStore {
  return {
    async claim(tenantId, key, route, bodyHash, now) {
      const claimed = await database.forTenant(tenantId, CLAIM, [key, route, bodyHash, now], 'idempotency-claim')
      if (claimed.length > 0) return { kind: 'first' }
      const sql = 'SELECT route, body_hash, response FROM idempotency_keys WHERE tenant_id = $1 AND key = $2'
      const [row] = await database.forTenant(tenantId, sql, [key], 'idempotency-kept')
      // Released in between: whoever asks again gets it.
      if (!row) return { kind: 'in-flight' }
      const kept = KeptRow.parse(row)
      if (kept.route !== route || kept.body_hash !== bodyHash) return { kind: 'mismatch' }
      return kept.response === null
        ? { kind: 'in-flight' }
        : { kind: 'replayed', response: openResponse(sealer, tenantId, key, kept.response) }
    },
    async settle(tenantId, key, response) {
      const sql = 'UPDATE idempotency_keys SET response = $3::jsonb WHERE tenant_id = $1 AND key = $2'
      await database.forTenant(tenantId, sql, [key, toJson(sealResponse(sealer, tenantId, key, response))], 'idempotency-settle')
    },
    async release(tenantId, key) {
      await database.forTenant(tenantId, 'DELETE FROM idempotency_keys WHERE tenant_id = $1 AND key = $2 AND response IS NULL', [
        key,
      ])
    },
    async forgetBefore(moment) {
      const sql =
        'WITH gone AS (DELETE FROM idempotency_keys WHERE created_at < $1 RETURNING 1) SELECT count(*) AS count FROM gone'
      const rows = await database.asSystem('keys of every tenant grow old alike', sql, [moment])
      return Number(rows[0]!.count)
    },
  }
}
