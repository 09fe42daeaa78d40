import * as z from 'zod'
import type { Database } from '#shared/database/client.ts'
import { groupCommit } from '#shared/database/group-commit.ts'
import { toJson } from '#shared/database/json.ts'
import type { BudgetAccount } from '#shared/domain/budget.ts'
import { terminal } from '#shared/domain/failure.ts'
import type { BudgetAsk, SettledCall } from '#shared/ports/budget.ts'

export type NewReservation = Omit<BudgetAsk, 'worstUsd' | 'holdMs' | 'id' | 'ifRefused'> & {
  readonly id: string
  readonly heldNanoUsd: number
  readonly day: string
  readonly createdAt: Date
  readonly expiresAt: Date
}
export type Closing = {
  readonly tenantId: string
  readonly id: string
  readonly state: 'settled' | 'released' | 'refused'
  readonly costNanoUsd: number
  readonly reason?: string
  readonly call?: SettledCall
  readonly at: Date
}
/** A reservation that has just been closed, with all that names its accounts. */
export type Closed = {
  readonly id: string
  readonly tenantId: string
  readonly customerId: string | undefined
  readonly conversationId: string | undefined
  readonly day: string
  readonly costNanoUsd: number
}
export type AccountState = { readonly spentNanoUsd: number; readonly open: ReadonlyMap<string, number> }

/** The durable side of the budget. */
export interface BudgetStore {
  /** @returns the day that is charged; an open reservation of the same id keeps its day @throws `budget-settled` (terminal) */
  open(reservation: NewReservation): Promise<string>
  /** @returns undefined when it was closed before, or never there */
  close(closing: Closing): Promise<Closed | undefined>
  load(account: BudgetAccount): Promise<AccountState>
  /** Closes at the journal's cost what nobody closed in time. */
  closeExpired(now: Date, max: number): Promise<Closed[]>
}

const ClosedRow = z.object({
  id: z.string(),
  tenant_id: z.string(),
  customer_id: z.string().nullable(),
  conversation_id: z.string().nullable(),
  day: z.string(),
  cost_nano_usd: z.number(),
})

/**
 * Whoever asks next must see the row, but need not wait for the disk: a reservation that PostgreSQL loses in a crash is still
 * in Redis, and its settlement, which does wait, brings it to the disk.
 */
const OPEN = `
  WITH quickly AS (SELECT set_config('synchronous_commit', 'off', true))
  INSERT INTO budget_reservations AS b (id, tenant_id, customer_id, conversation_id, run_id, step, visit, purpose, tier, request_hash, day,
    held_nano_usd, state, created_at, expires_at)
  SELECT n.id, n.tenant_id, n.customer_id, n.conversation_id, n.run_id, n.step, n.visit, n.purpose, n.tier, n.request_hash, n.day,
    n.held_nano_usd, 'open', n.created_at, n.expires_at
  FROM quickly, jsonb_to_recordset($1::jsonb) AS n(id text, tenant_id text, customer_id text, conversation_id text, run_id text, step text,
    visit int, purpose text, tier text, request_hash text, day date, held_nano_usd bigint, created_at timestamptz, expires_at timestamptz)
  ON CONFLICT (id) DO UPDATE SET state = 'open', held_nano_usd = EXCLUDED.held_nano_usd, expires_at = EXCLUDED.expires_at,
    day = CASE WHEN b.state = 'open' THEN b.day ELSE EXCLUDED.day END, reason = NULL, closed_at = NULL
    WHERE b.state <> 'settled' AND b.tenant_id = EXCLUDED.tenant_id
  RETURNING id, day::text AS day`

const CLOSE = `
  UPDATE budget_reservations b SET state = n.state, cost_nano_usd = n.cost_nano_usd, reason = n.reason, provider = n.provider,
    model = n.model, input_tokens = coalesce(n.input_tokens, 0), closed_at = n.at
  FROM jsonb_to_recordset($1::jsonb) AS n(id text, tenant_id text, state text, cost_nano_usd bigint, reason text, provider text, model text,
    input_tokens int, at timestamptz)
  WHERE b.id = n.id AND b.tenant_id = n.tenant_id AND b.state = 'open'
  RETURNING b.id, b.tenant_id, b.customer_id, b.conversation_id, b.day::text AS day, b.cost_nano_usd`

/** One of several reservations of one call that a crash left behind: what the journal says less what the others were charged. */
const CLOSE_EXPIRED = `
  WITH late AS (
    SELECT DISTINCT ON (run_id, step, visit, coalesce(request_hash, id)) * FROM budget_reservations
    WHERE state = 'open' AND expires_at < $1 ORDER BY run_id, step, visit, coalesce(request_hash, id), created_at LIMIT $2
  ), bill AS (
    SELECT l.id, greatest(0, round(coalesce((SELECT sum(c.cost_usd) FROM model_calls c WHERE c.run_id = l.run_id AND c.step = l.step
        AND c.visit = l.visit AND c.request_hash = l.request_hash), 0) * 1000000000)
      - coalesce((SELECT sum(o.cost_nano_usd) FROM budget_reservations o WHERE o.tenant_id = l.tenant_id AND o.run_id = l.run_id
        AND o.step = l.step AND o.visit = l.visit AND o.request_hash = l.request_hash AND o.id <> l.id), 0))::bigint AS nano
    FROM late l
  )
  UPDATE budget_reservations b SET state = CASE WHEN bill.nano > 0 THEN 'settled' ELSE 'expired' END, cost_nano_usd = bill.nano,
    closed_at = $1
  FROM bill WHERE b.id = bill.id AND b.state = 'open'
  RETURNING b.id, b.tenant_id, b.customer_id, b.conversation_id, b.day::text AS day, b.cost_nano_usd`

const WHERE_OF = {
  conversation: 'conversation_id = $2 AND $3::text IS NOT NULL',
  'customer-day': 'customer_id = $2 AND day = $3::date',
  'customer-month': `customer_id = $2 AND day >= ($3 || '-01')::date AND day < ($3 || '-01')::date + interval '1 month'`,
  'tenant-day': '$2::text IS NOT NULL AND day = $3::date',
  'tenant-month': `$2::text IS NOT NULL AND day >= ($3 || '-01')::date AND day < ($3 || '-01')::date + interval '1 month'`,
} as const

const TRAVEL = 'rows of several tenants travel together; each names its own'

export function createBudgetStore(database: Database): BudgetStore {
  const open = groupCommit(
    async (items: readonly NewReservation[]) => {
      const rows = await database.asSystem(TRAVEL, OPEN, [toJson(items.map(toRow))], 'budget-open')
      const days = new Map(rows.map((row) => [row.id, String(row.day)]))
      return items.map(({ id }) => days.get(id))
    },
    { maxItems: 50, maxInFlight: 4, keyOf: ({ id }) => id },
  )
  const close = groupCommit(
    async (items: readonly Closing[]) => {
      const closings = items.map(({ call, costNanoUsd, tenantId, ...rest }) => ({
        ...rest,
        tenant_id: tenantId,
        cost_nano_usd: costNanoUsd,
        ...(call && { provider: call.provider, model: call.model, input_tokens: call.inputTokens }),
      }))
      const rows = await database.asSystem(TRAVEL, CLOSE, [toJson(closings)], 'budget-close')
      const closed = new Map(rows.map((row) => [row.id, toClosed(row)]))
      return items.map(({ id }) => closed.get(id))
    },
    { maxItems: 50, maxInFlight: 2, keyOf: ({ id }) => id },
  )
  return {
    async open(reservation) {
      const day = await open(reservation)
      if (day === undefined) throw terminal('budget-settled', `the reservation ${reservation.id} has been settled before`)
      return day
    },
    close,
    async load({ scope, tenantId, owner, period }) {
      const sql = `
        SELECT coalesce(sum(cost_nano_usd) FILTER (WHERE state <> 'open'), 0)::bigint AS spent,
          coalesce(jsonb_object_agg(id, held_nano_usd) FILTER (WHERE state = 'open'), '{}') AS open
        FROM budget_reservations WHERE tenant_id = $1 AND ${WHERE_OF[scope]}`
      const [row] = await database.forTenant(tenantId, sql, [owner, period], `budget-load-${scope}`)
      const open = z.record(z.string(), z.number()).parse(row!.open)
      return { spentNanoUsd: Number(row!.spent), open: new Map(Object.entries(open)) }
    },
    async closeExpired(now, max) {
      const rows = await database.asSystem('expired reservations are found whoever holds them', CLOSE_EXPIRED, [now, max])
      return rows.map(toClosed)
    },
  }
}

const toRow = ({ payer, ...reservation }: NewReservation) => ({
  id: reservation.id,
  tenant_id: payer.tenantId,
  customer_id: payer.customerId ?? null,
  conversation_id: payer.conversationId ?? null,
  run_id: payer.runId,
  step: payer.step,
  visit: payer.visit,
  purpose: reservation.purpose,
  tier: reservation.tier ?? null,
  request_hash: reservation.requestHash ?? null,
  day: reservation.day,
  held_nano_usd: reservation.heldNanoUsd,
  created_at: reservation.createdAt,
  expires_at: reservation.expiresAt,
})

function toClosed(row: unknown): Closed {
  const { id, tenant_id, customer_id, conversation_id, day, cost_nano_usd } = ClosedRow.parse(row)
  return {
    id,
    tenantId: tenant_id,
    customerId: customer_id ?? undefined,
    conversationId: conversation_id ?? undefined,
    day,
    costNanoUsd: cost_nano_usd,
  }
}
