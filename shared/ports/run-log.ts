import type { Failure } from '#shared/domain/failure.ts'
import type { Attempt, Run, RunState } from '#shared/domain/run.ts'

export type NewRun = {
  readonly id: string
  readonly tenantId: string
  readonly pipeline: string
  readonly version: number
  readonly subjectId: string
  readonly traceId: string
  readonly state: RunState
  /** The facts it starts with. */
  readonly given: Readonly<Record<string, unknown>>
  readonly createdAt: Date
  /** Begins without a job: it waits in the log until `release` picks it. */
  readonly held?: boolean
}

/** One transition, as it is written: what happened at `seq`, and the state it leads to. */
export type Hop = {
  readonly runId: string
  readonly tenantId: string
  readonly pipeline: string
  /** The seq (and the step, attempt and visit) that was worked on; the hop counts only if the run is still there. */
  readonly seq: number
  readonly step: string
  readonly attempt: number
  readonly visit: number
  readonly result: string
  readonly failure: Failure | null
  readonly factsWritten: Readonly<Record<string, unknown>>
  readonly next: RunState
  readonly dueAt: Date
  readonly deadLetter: { readonly id: string; readonly step: string; readonly code: string; readonly message: string } | null
  readonly startedAt: Date
  readonly endedAt: Date
  readonly worker: string
}

/** What the sweeper needs to know of a run. */
export type RunGlance = Pick<Run, 'id' | 'tenantId' | 'pipeline' | 'step' | 'seq' | 'status' | 'dueAt' | 'lane'>

export type DeadLetter = {
  readonly id: string
  readonly tenantId: string
  readonly runId: string
  readonly pipeline: string
  readonly step: string
  readonly code: string
  readonly message: string
  readonly createdAt: Date
  readonly redrivenAt: Date | null
}
export type DeadLetterFilter = {
  readonly ids?: readonly string[]
  readonly step?: string
  readonly code?: string
  readonly limit: number
}

/** The truth about runs. */
export interface RunLog {
  /** Durable when it resolves; a run that is there already stays as it is. */
  begin(runs: readonly NewRun[]): Promise<void>
  load(runId: string): Promise<Run | undefined>
  /** The current seq of each of these runs: whoever works at an older one has been overtaken. */
  seqs(runIds: readonly string[]): Promise<Map<string, number>>
  /** Atomic. @returns false when the run had moved on: somebody else was faster, and nothing was written */
  record(hop: Hop): Promise<boolean>
  /**
   * Runs that should have a job in a queue and whose job has been due for `overdueMs`; the longest first. Measured by the
   * database's clock alone: those of the machines around it may differ.
   */
  dispatched(overdueMs: number, limit: number): Promise<RunGlance[]>
  /**
   * Lets up to `limit` held runs go, the tenants in turns and the oldest of each first; whoever asked must dispatch them. If it
   * does not live to do so, they are overdue like any other.
   */
  release(limit: number): Promise<RunGlance[]>
  anyHeld(): Promise<boolean>
  /** The sweeper looked at these; it need not look again for `restMs`. */
  checked(runIds: readonly string[], restMs: number): Promise<void>
  /**
   * After the queues lost their memory: look at once at every run whose next look is less than `withinMs` away. Longer delays
   * keep their time; when it comes, their loss is found.
   */
  checkAll(withinMs: number): Promise<void>
  /** Waiting and parked runs whose time is over. */
  expired(now: Date, limit: number): Promise<RunGlance[]>
  attempts(tenantId: string, runId: string): Promise<Attempt[]>
  /** Runs not at rest, by tenant and pipeline status: the figure for back-pressure, fairness and the gauges. */
  backlog(): Promise<{ readonly tenantId: string; readonly status: string; readonly pipeline: string; readonly count: number }[]>
  deadLetters(tenantId: string, filter: DeadLetterFilter & { readonly open?: boolean }): Promise<DeadLetter[]>
  markRedriven(tenantId: string, id: string, at: Date): Promise<void>
}
