import type { Database, Row } from '#shared/database/client.ts'
import { toJson } from '#shared/database/json.ts'
import { KeyMissing, SealBroken } from '#shared/domain/sealed.ts'
import type { Sealer, SealState } from '#shared/ports/sealer.ts'
import { type Facts, openFacts, SEALED, sealFacts, stateOfFacts } from './sealed-facts.ts'
import * as places from './sealed-places.ts'
import { openResponse, sealResponse } from './sealed-response.ts'

/** A column with sealed texts, row by row in the order of its key. */
type SealedColumn = {
  readonly table: string
  readonly column: string
  readonly key: Readonly<Record<string, 'text' | 'int'>>
  readonly json?: true
  /** More of the row that its place needs. */
  readonly also?: readonly string[]
  /** Rows that hold nothing to seal. */
  readonly only?: string
  stateOf(sealer: Sealer, stored: unknown): SealState
  /** @returns what is to stand there */
  renew(sealer: Sealer, stored: unknown, row: Row): unknown
}

const textColumn = (
  table: string,
  column: string,
  key: SealedColumn['key'],
  placeOf: (row: Record<string, string>) => Parameters<Sealer['open']>[1],
  more: Pick<SealedColumn, 'also' | 'only'> = {},
): SealedColumn => ({
  table,
  column,
  key,
  ...more,
  stateOf: (sealer, stored) => sealer.stateOf(String(stored)),
  renew(sealer, stored, row) {
    const place = placeOf(row as Record<string, string>)
    return sealer.seal(sealer.open(String(stored), place), place)
  },
})

const TENANT_KEY = { tenant_id: 'text' } as const
const COLUMNS: readonly SealedColumn[] = [
  {
    table: 'attempts',
    column: 'facts_written',
    key: { run_id: 'text', seq: 'int' },
    json: true,
    also: ['tenant_id'],
    stateOf: (sealer, stored) => stateOfFacts(sealer, stored as Facts),
    renew: (sealer, stored, { tenant_id, run_id }) => {
      const [tenantId, runId] = [String(tenant_id), String(run_id)]
      return sealFacts(sealer, tenantId, runId, openWhole(sealer, tenantId, runId, stored as Facts))
    },
  },
  textColumn('replies', 'body', { id: 'text' }, (row) => places.replyAt(row.tenant_id!, row.run_id!), {
    also: ['tenant_id', 'run_id'],
  }),
  ...(['asked', 'answered'] as const).map((part) =>
    textColumn('conversation_turns', part, { ...TENANT_KEY, ticket_id: 'text' }, (row) =>
      places.turnAt(row.tenant_id!, row.ticket_id!, part),
    ),
  ),
  textColumn('conversations', 'summary', { ...TENANT_KEY, id: 'text' }, (row) => places.summaryAt(row.tenant_id!, row.id!)),
  ...(['reason', 'summary'] as const).map((part) =>
    textColumn('escalations', part, { id: 'text' }, (row) => places.escalationAt(row.tenant_id!, row.id!, part), {
      also: ['tenant_id'],
    }),
  ),
  textColumn('feedback', 'comment', { id: 'text' }, (row) => places.feedbackAt(row.tenant_id!, row.id!), { also: ['tenant_id'] }),
  {
    table: 'idempotency_keys',
    column: 'response',
    key: { ...TENANT_KEY, key: 'text' },
    json: true,
    // Those of new tickets hold ids only, and are never sealed.
    only: `(response ? '${SEALED}' OR route NOT IN ('POST /v1/tickets', 'POST /v1/tickets/bulk', 'POST /v1/chat/completions'))`,
    stateOf: (sealer, stored) => sealer.stateOf(String((stored as Row)[SEALED] ?? '')),
    renew: (sealer, stored, { tenant_id, key }) => {
      const [tenantId, name] = [String(tenant_id), String(key)]
      return sealResponse(sealer, tenantId, name, openResponse(sealer, tenantId, name, stored))
    },
  },
  textColumn(
    'model_calls',
    'reply',
    { run_id: 'text', step: 'text', visit: 'int', request_hash: 'text', failed_try: 'int' },
    ({ tenant_id, run_id, step, visit, request_hash }) =>
      places.modelReplyAt(
        places.modelRequestId({
          tenantId: tenant_id!,
          runId: run_id!,
          step: step!,
          visit: Number(visit),
          requestHash: request_hash!,
        }),
      ),
    // Vectors are not sealed, unless a batch has brought them: it does not know what was asked for.
    { also: ['tenant_id'], only: "(task <> 'embed' OR reply LIKE 'sealed.v1.%')" },
  ),
  textColumn('batch_requests', 'body', { id: 'text' }, (row) => places.modelRequestAt(row.id!), { only: "task <> 'embed'" }),
]

/** A broken seal must stay as it is: without its personal fields it would pass for a whole fact that lost them. */
function openWhole(sealer: Sealer, tenantId: string, runId: string, stored: Facts): Facts {
  for (const [name, fact] of Object.entries(stored)) {
    const envelope = (fact as Row | null)?.[SEALED]
    if (typeof envelope === 'string') sealer.open(envelope, places.factAt(tenantId, runId, name))
  }
  return openFacts(sealer, tenantId, runId, stored)
}

export type Sealing = { readonly where: string } & Record<SealState | 'unreadable', number>
const WHY = 'keys are the installation’s, and so are the rows they seal'
const PAGE = 300

export async function countSealedRows(database: Database): Promise<number> {
  let rows = 0
  for (const column of COLUMNS)
    rows += Number((await database.asSystem(WHY, `SELECT count(*) AS n FROM ${column.table} WHERE ${filter(column)}`))[0]!['n'])
  return rows
}

const filter = ({ column, json, only }: SealedColumn) =>
  `${column} IS NOT NULL AND ${column} <> ${json ? `'{}'::jsonb` : `''`}${only ? ` AND ${only}` : ''}`

/**
 * Looks at every sealed text; with `write`, seals anew what is not sealed with the key that seals now. A row that changes in the
 * meantime (a customer is erased) stays as it became. May be stopped at any point and run again: what is done is passed over.
 * @returns how the texts stand in the end, by column
 */
export async function reseal(
  database: Database,
  sealer: Sealer,
  options: { readonly write: boolean; readonly onProgress: (rows: number) => void; readonly signal?: AbortSignal },
): Promise<Sealing[]> {
  const found: Sealing[] = []
  let done = 0
  for (const column of COLUMNS) {
    const sealing = { where: `${column.table}.${column.column}`, current: 0, older: 0, unsealed: 0, unreadable: 0 }
    for await (const rows of pages(database, column)) {
      options.signal?.throwIfAborted()
      const changes: Row[] = []
      for (const row of rows) {
        const state = column.stateOf(sealer, row[column.column])
        const renewed = state === 'older' || (options.write && state === 'unsealed') ? tryRenew(sealer, column, row) : undefined
        if (renewed === 'unreadable') sealing.unreadable++
        else sealing[renewed && options.write ? 'current' : state]++
        if (renewed && renewed !== 'unreadable' && options.write) changes.push(renewed)
      }
      if (changes.length > 0) await database.asSystem(WHY, updateOf(column), [toJson(changes)])
      done += rows.length
      options.onProgress(done)
    }
    found.push(sealing)
  }
  return found
}

function tryRenew(sealer: Sealer, column: SealedColumn, row: Row): Row | 'unreadable' {
  const before = row[column.column]
  try {
    const keys = Object.fromEntries(Object.keys(column.key).map((name) => [name, row[name]]))
    return { ...keys, before, after: column.renew(sealer, before, row) }
  } catch (error) {
    if (error instanceof KeyMissing || error instanceof SealBroken) return 'unreadable'
    throw error
  }
}

async function* pages(database: Database, column: SealedColumn): AsyncGenerator<Row[]> {
  const { table, key, also = [] } = column
  const names = Object.keys(key)
  const columns = [...new Set([...names, ...also, column.column])].join(', ')
  const after = `(${names.join(', ')}) > (${names.map((name, n) => `$${n + 1}::${key[name]}`).join(', ')})`
  for (let last: Row | undefined; ; ) {
    const sql = `SELECT ${columns} FROM ${table} WHERE ${filter(column)}${last ? ` AND ${after}` : ''} ORDER BY ${names.join(', ')} LIMIT ${PAGE}`
    const rows = await database.asSystem(WHY, sql, last ? names.map((name) => last![name]) : [])
    if (rows.length > 0) yield rows
    if (rows.length < PAGE) return
    last = rows.at(-1)
  }
}

function updateOf({ table, column, key, json }: SealedColumn): string {
  const type = json ? 'jsonb' : 'text'
  const fields = Object.entries(key).map(([name, kind]) => `${name} ${kind}`)
  const same = Object.keys(key).map((name) => `t.${name} = n.${name}`)
  return `UPDATE ${table} t SET ${column} = n.after
    FROM jsonb_to_recordset($1::jsonb) AS n(${fields.join(', ')}, before ${type}, after ${type}) WHERE ${same.join(' AND ')} AND t.${column} = n.before`
}
