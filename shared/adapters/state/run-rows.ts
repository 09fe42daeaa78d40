import { PERSONAL_FIELDS } from '#shared/domain/personal-facts.ts'
import type { NewRun } from '#shared/ports/run-log.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { sealFacts } from './sealed-facts.ts'

/**
 * A new run as a row for `insertRuns` and `beginRuns`.
 * @param sealer may be left out for a run that is given nothing personal
 * @throws TypeError when it was left out for another
 */
export const newRunRow = ({ state, ...run }: NewRun, sealer?: Sealer) => ({
  id: run.id,
  tenant_id: run.tenantId,
  pipeline: run.pipeline,
  version: run.version,
  subject_id: run.subjectId,
  trace_id: run.traceId,
  given: sealer ? sealFacts(sealer, run.tenantId, run.id, run.given) : impersonal(run.given),
  // Dates are written out here: JSON.stringify would take three times as long over them.
  created_at: run.createdAt.toISOString(),
  held: run.held ?? false,
  next: { ...state, deadlineAt: state.deadlineAt.toISOString() },
})

/** Several of them. */
export const newRunRows = (runs: readonly NewRun[], sealer?: Sealer) => runs.map((run) => newRunRow(run, sealer))

function impersonal(given: NewRun['given']): NewRun['given'] {
  const personal = Object.keys(given).find((name) => Object.hasOwn(PERSONAL_FIELDS, name))
  if (personal !== undefined) throw new TypeError(`a run that is given "${personal}" must be sealed`)
  return given
}

/** The columns of such a row, for `jsonb_to_recordset`. What stands in `next` stands there once: the text is long enough. */
export const NEW_RUN = `
  id text, tenant_id text, pipeline text, version int, subject_id text, trace_id text, created_at timestamptz, held boolean,
  given jsonb, next jsonb`

/**
 * Parts of a WITH clause that insert runs and the first row of each one's log; it stands here once because runs are begun alone, with their
 * tickets, and with a document, always in one statement.
 * @param relation has the columns of `NEW_RUN`
 * @param ids `new`: one that is there already is an error of the statement (23505), which saves looking for each. Otherwise `begun` returns
 * the ids of those that were not there
 */
export const beginRuns = (relation: string, ids: 'new' | 'maybe-there' = 'maybe-there') => `
  begun AS (
    INSERT INTO runs (id, tenant_id, pipeline, version, subject_id, lane, status, step, seq, attempt, visits, loops, rescues, trace_id,
      deadline_at, due_at, check_at, created_at, updated_at, held)
    SELECT id, tenant_id, pipeline, version, subject_id, next ->> 'lane', next ->> 'status', next ->> 'step', (next ->> 'seq')::int,
      (next ->> 'attempt')::int, next -> 'visits', next -> 'loops', (next ->> 'rescues')::int, trace_id,
      (next ->> 'deadlineAt')::timestamptz, created_at, now(), created_at, created_at, held FROM ${relation}
    ${ids === 'new' ? '' : 'ON CONFLICT (id) DO NOTHING RETURNING id'}
  ), begun_log AS (
    INSERT INTO attempts (run_id, seq, tenant_id, step, attempt, visit, result, facts_written, next, started_at, ended_at, worker)
    SELECT n.id, (n.next ->> 'seq')::int, n.tenant_id, n.next ->> 'step', (n.next ->> 'attempt')::int, 0, 'accepted', n.given, n.next,
      n.created_at, n.created_at, ''
    FROM ${relation} n ${ids === 'new' ? '' : 'JOIN begun b ON b.id = n.id'}
  )`

/** The same for rows that come as JSON. @param source an SQL expression for their text, such as `$1` */
export const insertRuns = (source: string) => `
  new_run AS (
    SELECT * FROM jsonb_to_recordset(${source}::jsonb) AS n(${NEW_RUN})
  ), ${beginRuns('new_run')}`
