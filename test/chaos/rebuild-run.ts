import * as z from 'zod'
import { ENDED, RunState } from '#shared/domain/run.ts'

/** A row of `attempts`, as far as the run can be told from it. */
export const LogRow = z.object({
  run_id: z.string(),
  seq: z.int(),
  tenant_id: z.string(),
  step: z.string(),
  attempt: z.int(),
  result: z.string(),
  facts_written: z.record(z.string(), z.unknown()),
  next: RunState.extend({ deadlineAt: z.coerce.date() }),
  ended_at: z.date(),
})
export type LogRow = z.infer<typeof LogRow>

/** A row of `runs` without what only schedules it (`due_at`, `check_at`: the next look puts these right). */
export const ProjectedRun = z.object({
  id: z.string(),
  tenant_id: z.string(),
  status: z.string(),
  step: z.string(),
  seq: z.int(),
  attempt: z.int(),
  visits: z.record(z.string(), z.int()),
  loops: z.record(z.string(), z.int()),
  rescues: z.int(),
  lane: z.string(),
  deadline_at: z.date(),
  created_at: z.date(),
  updated_at: z.date(),
  ended_at: z.date().nullable(),
})
export type ProjectedRun = z.infer<typeof ProjectedRun>

/**
 * The run as its log tells it, hop by hop: each row must begin where the one before has led.
 * @param rows of one run, by seq
 * @throws Error that says where the log breaks
 */
export function rebuildRun(rows: readonly LogRow[]): ProjectedRun {
  const [first, ...hops] = rows
  if (first?.seq !== 0) throw new Error('the log does not begin at seq 0')
  let run = project(first, first.ended_at)
  for (const row of hops) {
    if (row.seq !== run.seq + 1) throw new Error(`seq ${row.seq} follows seq ${run.seq}`)
    if (row.next.seq !== row.seq) throw new Error(`the row of seq ${row.seq} leads to seq ${row.next.seq}`)
    if (row.step !== run.step || row.attempt !== run.attempt)
      throw new Error(`seq ${row.seq} is about ${row.step}#${row.attempt}, but the run stood at ${run.step}#${run.attempt}`)
    if (ENDED.some((status) => status === run.status) && row.result !== 'redriven')
      throw new Error(`seq ${row.seq} moves a run that had ended`)
    run = project(row, run.created_at)
  }
  return run
}

const project = ({ run_id, tenant_id, next, ended_at }: LogRow, createdAt: Date): ProjectedRun => ({
  id: run_id,
  tenant_id,
  status: next.status,
  step: next.step,
  seq: next.seq,
  attempt: next.attempt,
  visits: next.visits,
  loops: next.loops,
  rescues: next.rescues,
  lane: next.lane,
  deadline_at: next.deadlineAt,
  created_at: createdAt,
  updated_at: ended_at,
  ended_at: ENDED.includes(next.status) ? ended_at : null,
})
