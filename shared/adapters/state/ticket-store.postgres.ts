import * as z from 'zod'
import type { Database, Row } from '#shared/database/client.ts'
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
 * with what is its own beside it, a key keeps no more than the id of the run it made, and only who did not get a ticket is told so: rows,
 * joins and whole responses were a quarter of the statement.
 * @param ids `new` ones are not looked for: when one is there after all (a statement that was broken off after its commit and comes again),
 * PostgreSQL refuses the whole with 23505
 */
const accept = (ids: 'new' | 'maybe-there') => `
  WITH arrival AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS a(
      conversation_id text, requester_id text, key text, route text, body_hash text, ${NEW_RUN})
  ), claimed AS (
    INSERT INTO idempotency_keys AS k (tenant_id, key, route, body_hash, response, created_at)
    SELECT tenant_id, key, route, body_hash, to_jsonb(id), created_at
    FROM arrival WHERE key IS NOT NULL ORDER BY tenant_id, key
    ON CONFLICT (tenant_id, key) DO UPDATE SET route = EXCLUDED.route, body_hash = EXCLUDED.body_hash, response = EXCLUDED.response,
      created_at = EXCLUDED.created_at
    WHERE k.created_at < EXCLUDED.created_at - interval '24 hours'
    RETURNING tenant_id, key
  ), judged AS MATERIALIZED (
    SELECT a.*, a.key IS NULL OR c.key IS NOT NULL AS wins
    FROM arrival a LEFT JOIN claimed c ON c.tenant_id = a.tenant_id AND c.key = a.key
  ), winner AS NOT MATERIALIZED (
    SELECT * FROM judged WHERE wins
  ), ${beginRuns('winner', ids)}, made AS (
    INSERT INTO tickets (id, tenant_id, run_id, conversation_id, requester_id, created_at)
    SELECT w.subject_id, w.tenant_id, w.id, w.conversation_id, w.requester_id, w.created_at
    FROM winner w ${ids === 'new' ? '' : 'JOIN begun b ON b.id = w.id'}
  )
  SELECT j.id, j.wins FROM judged j ${ids === 'new' ? 'WHERE NOT j.wins' : 'LEFT JOIN begun b ON b.id = j.id WHERE b.id IS NULL'}`

const ACCEPT_NEW = accept('new')
const ACCEPT_AGAIN = accept('maybe-there')
const UNIQUE_VIOLATION = '23505'

const KEPT = `
  SELECT k.tenant_id, k.key, k.route, k.body_hash, k.response, r.subject_id FROM idempotency_keys k
  JOIN jsonb_to_recordset($1::jsonb) AS a(tenant_id text, key text) ON a.tenant_id = k.tenant_id AND a.key = k.key
  LEFT JOIN runs r ON r.id = k.response #>> '{}' AND r.tenant_id = k.tenant_id`

const ARRIVALS = 'arrivals of several tenants travel together; every row carries its own tenant'
const KeptRow = z.object({ route: z.string(), body_hash: z.string(), response: z.unknown(), subject_id: z.string().nullable() })
const Ids = z.object({ ticketId: z.string(), runId: z.string() })
/** What a key of ours made. It keeps its run's id; versions until November 2026 kept both ids, or the whole response, which says the same. */
const Made = z.union([
  z
    .object({ response: z.string(), subject_id: z.string() })
    .transform(({ response, subject_id }) => ({ ticketId: subject_id, runId: response })),
  z.object({ response: Ids }).transform(({ response }) => response),
  z
    .object({ response: z.object({ body: z.string().transform(parsed) }) })
    .transform(({ response }) => response.body)
    .pipe(Ids),
])

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const FoundRow = z.object({
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
      const rows = await write(`[${entries.map(({ row }) => row).join()}]`)
      if (rows.length === 0) return entries.map(() => ACCEPTED)
      const unmade = new Map(rows.map((row) => [String(row.id), row.wins === true]))
      const losers = entries.filter(({ arrival }) => unmade.get(arrival.run.id) === false).map(({ arrival }) => arrival)
      const kept = losers.length > 0 ? await keptFor(losers) : undefined
      return entries.map(({ arrival }) => {
        // Nothing stood in its way but that it is there: the same arrival once more, after a connection that broke.
        const wins = unmade.get(arrival.run.id) ?? true
        return wins ? ACCEPTED : kept!(arrival)
      })
    },
    // Two arrivals with one key in one statement would touch one row twice, which PostgreSQL refuses.
    {
      maxItems,
      maxInFlight,
      worthwhile: WORTHWHILE,
      keyOf: ({ arrival: { ticket, idempotency } }) => (idempotency ? keyOf(ticket.tenantId, idempotency.key) : ticket.id),
    },
  )

  async function write(rows: string): Promise<Row[]> {
    try {
      return await database.asSystem(ARRIVALS, ACCEPT_NEW, [rows], 'ticket-accept')
    } catch (error) {
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error
      return await database.asSystem(ARRIVALS, ACCEPT_AGAIN, [rows], 'ticket-accept-again')
    }
  }

  /** A statement of its own: the one before cannot see what others committed while it ran. */
  async function keptFor(losers: readonly Arrival[]): Promise<(arrival: Arrival) => Acceptance> {
    const keys = losers.map(({ ticket, idempotency }) => ({ tenant_id: ticket.tenantId, key: idempotency!.key }))
    const rows = await database.asSystem(ARRIVALS, KEPT, [toJson(keys)], 'ticket-kept')
    const byKey = new Map(rows.map((row) => [keyOf(row.tenant_id, row.key), KeptRow.parse(row)]))
    return ({ ticket, run, idempotency }) => {
      const row = byKey.get(keyOf(ticket.tenantId, idempotency!.key))
      if (!row) return { kind: 'in-flight' }
      if (row.route !== idempotency!.route || row.body_hash !== idempotency!.bodyHash) return { kind: 'mismatch' }
      if (row.response === null) return { kind: 'in-flight' }
      const made = Made.safeParse(row)
      // A row that cannot be read must not fail those that travel with it.
      if (!made.success) return { kind: 'in-flight' }
      // Its own key: what came before was this very arrival, whose connection broke, and nobody has been told of it.
      return made.data.runId === run.id ? ACCEPTED : { kind: 'replayed', ...made.data }
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

const ACCEPTED: Acceptance = { kind: 'accepted' }

/** @property row as JSON */
type Entry = { readonly arrival: Arrival; readonly row: string }

const rowOf = ({ ticket, run, idempotency }: Arrival, sealer: Sealer) => ({
  ...newRunRow(run, sealer),
  conversation_id: ticket.conversationId,
  requester_id: ticket.requester.id,
  ...(idempotency ? { key: idempotency.key, route: idempotency.route, body_hash: idempotency.bodyHash } : {}),
})

function toTicketRow(row: unknown): TicketRow {
  const { id, tenant_id, run_id, conversation_id, created_at } = FoundRow.parse(row)
  return { id, tenantId: tenant_id, runId: run_id, conversationId: conversation_id, createdAt: created_at }
}
