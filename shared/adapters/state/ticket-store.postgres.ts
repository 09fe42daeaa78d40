import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { groupCommit } from '#shared/database/group-commit.ts'
import { toJson, toText } from '#shared/database/json.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import type { Acceptance, Arrival, TicketRow, TicketStore } from '#shared/ports/ticket-store.ts'
import { createAesGcmSealer } from '../sealing/sealer.aes-gcm.ts'
import { beginRuns, NEW_RUN, newRunRow } from './run-rows.ts'
import { feedbackAt } from './sealed-places.ts'

/**
 * One statement for many arrivals. A key that is new (or older than a day, which is how long keys are kept) wins, and only winners
 * and arrivals without a key get a ticket, a run and a log; a key that is there already changes nothing. Keys are inserted in
 * order, so that processes that carry the same keys wait for each other instead of deadlocking. An arrival comes as one row, its run
 * with what is its own beside it, and a key keeps no more than the ids of what it made: reading rows and keeping whole responses was a
 * fifth of the statement.
 */
const ACCEPT = `
  WITH arrival AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS a(
      conversation_id text, requester_id text, key text, route text, body_hash text, ${NEW_RUN})
  ), claimed AS (
    INSERT INTO idempotency_keys AS k (tenant_id, key, route, body_hash, response, created_at)
    SELECT tenant_id, key, route, body_hash, jsonb_build_object('ticketId', subject_id, 'runId', id), created_at
    FROM arrival WHERE key IS NOT NULL ORDER BY tenant_id, key
    ON CONFLICT (tenant_id, key) DO UPDATE SET route = EXCLUDED.route, body_hash = EXCLUDED.body_hash, response = EXCLUDED.response,
      created_at = EXCLUDED.created_at
    WHERE k.created_at < EXCLUDED.created_at - interval '24 hours'
    RETURNING tenant_id, key
  ), winner AS MATERIALIZED (
    SELECT a.* FROM arrival a LEFT JOIN claimed c ON c.tenant_id = a.tenant_id AND c.key = a.key
    WHERE a.key IS NULL OR c.key IS NOT NULL
  ), ${beginRuns('winner')}, made AS (
    INSERT INTO tickets (id, tenant_id, run_id, conversation_id, requester_id, created_at)
    SELECT w.subject_id, w.tenant_id, w.id, w.conversation_id, w.requester_id, w.created_at
    FROM winner w JOIN begun b ON b.id = w.id ORDER BY w.subject_id
  )
  SELECT w.id, b.id IS NOT NULL AS made FROM winner w LEFT JOIN begun b ON b.id = w.id`

const KEPT = `
  SELECT k.tenant_id, k.key, k.route, k.body_hash, k.response FROM idempotency_keys k
  JOIN jsonb_to_recordset($1::jsonb) AS a(tenant_id text, key text) ON a.tenant_id = k.tenant_id AND a.key = k.key`

const ARRIVALS = 'arrivals of several tenants travel together; every row carries its own tenant'
const KeptRow = z.object({ route: z.string(), body_hash: z.string(), response: z.unknown() })
const Ids = z.object({ ticketId: z.string(), runId: z.string() })
/** What a key of ours keeps; versions until November 2026 kept the whole response, which says the same. */
const Made = z.union([
  Ids,
  z
    .object({ body: z.string().transform(parsed) })
    .transform(({ body }) => body)
    .pipe(Ids),
])

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const Row = z.object({
  id: z.string(),
  tenant_id: z.string(),
  run_id: z.string(),
  conversation_id: z.string(),
  created_at: z.date(),
})

/** In a statement of eight a ticket costs PostgreSQL a quarter more than in one of twenty-five; for fewer a second one is not worth it. */
const WORTHWHILE = 8

type Options = { readonly maxItems?: number; readonly maxInFlight?: number; readonly sealer?: Sealer }

const keyOf = (tenantId: unknown, key: unknown) => `${String(tenantId)}\n${String(key)}`

export function createTicketStore(
  database: Database,
  { maxItems = 64, maxInFlight = 2, sealer = createAesGcmSealer([]) }: Options = {},
): TicketStore {
  const accept = groupCommit(
    async (entries: readonly Entry[]) => {
      const rows = await database.asSystem(ARRIVALS, ACCEPT, [`[${entries.map(({ row }) => row).join()}]`], 'ticket-accept')
      const made = new Map(rows.map((row) => [String(row.id), row.made === true]))
      const arrivals = entries.map(({ arrival }) => arrival)
      const losers = arrivals.filter(({ run }) => !made.has(run.id))
      const kept = losers.length > 0 ? await keptFor(losers) : undefined
      return arrivals.map((arrival) => (made.has(arrival.run.id) ? won(arrival, made.get(arrival.run.id)!) : kept!(arrival)))
    },
    // Two arrivals with one key in one statement would touch one row twice, which PostgreSQL refuses.
    {
      maxItems,
      maxInFlight,
      worthwhile: WORTHWHILE,
      keyOf: ({ arrival: { ticket, idempotency } }) => (idempotency ? keyOf(ticket.tenantId, idempotency.key) : ticket.id),
    },
  )

  /** A statement of its own: the one before cannot see what others committed while it ran. */
  async function keptFor(losers: readonly Arrival[]): Promise<(arrival: Arrival) => Acceptance> {
    const keys = losers.map(({ ticket, idempotency }) => ({ tenant_id: ticket.tenantId, key: idempotency!.key }))
    const rows = await database.asSystem(ARRIVALS, KEPT, [toJson(keys)], 'ticket-kept')
    const byKey = new Map(rows.map((row) => [keyOf(row.tenant_id, row.key), KeptRow.parse(row)]))
    return ({ ticket, idempotency }) => {
      const row = byKey.get(keyOf(ticket.tenantId, idempotency!.key))
      if (!row) return { kind: 'in-flight' }
      if (row.route !== idempotency!.route || row.body_hash !== idempotency!.bodyHash) return { kind: 'mismatch' }
      if (row.response === null) return { kind: 'in-flight' }
      const made = Made.safeParse(row.response)
      // A row that cannot be read must not fail those that travel with it.
      return made.success ? { kind: 'replayed', ...made.data } : { kind: 'in-flight' }
    }
  }

  return {
    // Written out on arrival, while the statement before is under way: the next one can leave at once.
    accept: (arrival) => accept({ arrival, row: toJson(rowOf(arrival, sealer)) }),
    async find(tenantId, ticketId) {
      const sql = 'SELECT id, tenant_id, run_id, conversation_id, created_at FROM tickets WHERE tenant_id = $1 AND id = $2'
      const rows = await database.forTenant(tenantId, sql, [ticketId], 'ticket-find')
      return rows.length === 0 ? undefined : toTicketRow(rows[0])
    },
    async addFeedback({ id, tenantId, ticketId, rating, comment, createdAt }) {
      const sql = `
        INSERT INTO feedback (tenant_id, id, ticket_id, rating, comment, created_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO NOTHING`
      const sealed = comment === undefined ? null : sealer.seal(toText(comment), feedbackAt(tenantId, id))
      await database.forTenant(tenantId, sql, [id, ticketId, rating, sealed, createdAt])
    },
  }
}

/** The key was free but its ticket is there: the same arrival once more, more than a day later. */
const won = (arrival: Arrival, made: boolean): Acceptance =>
  made || !arrival.idempotency ? { kind: 'accepted' } : { kind: 'replayed', ticketId: arrival.ticket.id, runId: arrival.run.id }

/** @property row as JSON */
type Entry = { readonly arrival: Arrival; readonly row: string }

const rowOf = ({ ticket, run, idempotency }: Arrival, sealer: Sealer) => ({
  ...newRunRow(run, sealer),
  conversation_id: ticket.conversationId,
  requester_id: ticket.requester.id,
  ...(idempotency ? { key: idempotency.key, route: idempotency.route, body_hash: idempotency.bodyHash } : {}),
})

function toTicketRow(row: unknown): TicketRow {
  const { id, tenant_id, run_id, conversation_id, created_at } = Row.parse(row)
  return { id, tenantId: tenant_id, runId: run_id, conversationId: conversation_id, createdAt: created_at }
}
