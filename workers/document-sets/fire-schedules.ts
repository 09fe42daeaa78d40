import { newDocumentSet } from '#pipelines/new-document-set.ts'
import { nextTime } from '#shared/domain/cron.ts'
import { MAX_SELECTED_DOCUMENTS } from '#shared/domain/document-set.ts'
import { derivedId } from '#shared/domain/id.ts'
import { type SetDesk, traceIdOf } from './set-desk.ts'

const MAX_DUE = 100

export type Fired =
  | { readonly kind: 'made'; readonly setId: string; readonly documents: number }
  /** Nothing fits, or nothing has changed: no set is made. */
  | { readonly kind: 'nothing-to-do' }
  | { readonly kind: 'too-early'; readonly inMs: number }
  | { readonly kind: 'gone' }

/**
 * Makes the set of a schedule whose time has come. The set's id follows from that time, so that whoever fires it, and however often, it
 * is made once. Times that were missed (nobody was running) are made up for by one set.
 */
export async function fireSchedule(desk: SetDesk, scheduleId: string): Promise<Fired> {
  const schedule = await desk.schedules.load(scheduleId)
  if (!schedule) return { kind: 'gone' }
  const now = desk.clock.now()
  const { tenantId, order, query, nextAt } = schedule
  if (nextAt > now) return { kind: 'too-early', inMs: nextAt.getTime() - now.getTime() }
  const changedFor = query.changedSince === 'last-run' ? { changedFor: scheduleId } : {}
  const found = await desk.documentSets.select(tenantId, query, { limit: MAX_SELECTED_DOCUMENTS, ...changedFor })
  const setId = derivedId('set', tenantId, scheduleId, nextAt.toISOString())
  if (found.length > 0) {
    const draft = { id: setId, tenantId, order, scheduleId, traceId: traceIdOf(setId), createdAt: now }
    await desk.documentSets.create(newDocumentSet(draft, found))
  }
  await desk.schedules.fired(scheduleId, nextAt, nextTime(schedule.cron, schedule.timeZone, now), found.length > 0 ? setId : null)
  desk.log.info({ scheduleId, documents: found.length }, 'a schedule of document sets fired')
  return found.length > 0 ? { kind: 'made', setId, documents: found.length } : { kind: 'nothing-to-do' }
}

/** Schedules whose job did not come: Redis was flushed, or nobody was there. @returns how many were fired */
export async function fireOverdue(desk: SetDesk, overdueMs: number): Promise<number> {
  const due = await desk.schedules.due(new Date(desk.clock.now().getTime() - overdueMs), MAX_DUE)
  for (const id of due) await fireSchedule(desk, id)
  return due.length
}

/** Brings the queue's job schedulers in line with the schedules there are. @returns how many were put or removed */
export async function alignSchedules({ schedules, jobSchedules }: SetDesk): Promise<number> {
  const [wanted, known] = [await schedules.all(), await jobSchedules.ids()]
  const missing = wanted.filter(({ id }) => !known.has(id))
  const surplus = known.difference(new Set(wanted.map(({ id }) => id)))
  for (const schedule of missing) await jobSchedules.put(schedule)
  for (const id of surplus) await jobSchedules.remove(id)
  return missing.length + surplus.size
}
