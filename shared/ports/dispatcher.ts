import type { Lane } from '#shared/domain/ticket.ts'

export type Dispatch = {
  readonly runId: string
  readonly seq: number
  readonly pipeline: string
  readonly step: string
  readonly lane: Lane
  readonly delayMs: number
  /** Of the tenant, at rest excluded: the longer its own backlog, the later its next new run, so that nobody starves the others. */
  readonly backlog: number
}
export type JobRef = { readonly runId: string; readonly seq: number; readonly pipeline: string; readonly step: string }
export type QueueDepth = {
  readonly queue: string
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  readonly failed: number
}

/** Delivers work. It may lose everything at any moment; the sweeper makes up for it from the log. */
export interface Dispatcher {
  dispatch(jobs: readonly Dispatch[]): Promise<void>
  /** Of these jobs, whose runs are due, those that a queue still holds: waiting, active, or delayed by no more than a moment. */
  held(jobs: readonly JobRef[]): Promise<Set<string>>
  /** True when the store forgot us since the last call: everything dispatched before may be gone. */
  lostMemory(): Promise<boolean>
  depths(): Promise<QueueDepth[]>
  /** A copy for operators to look at; the truth is in the log. */
  mirrorDeadLetters(
    letters: readonly {
      readonly id: string
      readonly runId: string
      readonly step: string
      readonly code: string
      readonly tenantId: string
    }[],
  ): Promise<void>
  /** Takes such copies away; those that are not there are gone already. */
  forgetDeadLetters(ids: readonly string[]): Promise<void>
  close(): Promise<void>
}

export const jobIdOf = (job: { readonly runId: string; readonly seq: number }) => `${job.runId}_${job.seq}`
