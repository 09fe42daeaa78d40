import type { ScheduledQuery, SetOrder } from '#shared/domain/document-set.ts'

export type Schedule = {
  readonly id: string
  readonly tenantId: string
  readonly order: SetOrder
  readonly query: ScheduledQuery
  readonly cron: string
  readonly timeZone: string
  readonly nextAt: Date
  readonly lastAt: Date | null
  readonly lastSetId: string | null
  readonly createdAt: Date
}

/** What is to be digested when: the truth, which the job schedulers of the queue follow. */
export interface DocumentSetSchedules {
  /** One that is there already stays as it is. */
  add(schedule: Schedule): Promise<void>
  list(tenantId: string): Promise<Schedule[]>
  remove(tenantId: string, id: string): Promise<boolean>
  load(id: string): Promise<Schedule | undefined>
  all(): Promise<Pick<Schedule, 'id' | 'cron' | 'timeZone'>[]>
  /** Ids of those whose time came before `at`. */
  due(at: Date, limit: number): Promise<string[]>
  /** Only if its time is still `was`. */
  fired(id: string, was: Date, next: Date, setId: string | null): Promise<void>
}

/** The schedulers that put a job on the queue when it is time; they may vanish at any moment. */
export interface JobSchedules {
  ids(): Promise<Set<string>>
  put(schedule: Pick<Schedule, 'id' | 'cron' | 'timeZone'>): Promise<void>
  remove(id: string): Promise<void>
}
