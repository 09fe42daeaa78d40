export type Job = { readonly runId: string; readonly seq: number }
/** done: nothing more to do with this job · hand-back: another worker shall take it now · later: not now, try again in a while */
export type JobResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'hand-back' }
  | { readonly kind: 'later'; readonly delayMs: number }
/** @param signal aborts when the queue has given the job to somebody else (a lost lock) or the process must stop */
export type JobHandler = (job: Job, signal: AbortSignal) => Promise<JobResult>

/** Takes jobs from queues. What happens to a run is decided elsewhere; here a job is only fetched and put away. */
export interface Consumer {
  start(queue: { readonly pipeline: string; readonly step: string }, handler: JobHandler, concurrency: number): void
  /** Whether an operator has paused the queue, as of about a second ago. Absent where nobody can. */
  paused?(queue: { readonly pipeline: string; readonly step: string }): boolean
  /** Proves that every started queue is being consumed: its canary, or a job, came through of late. */
  alive(): Promise<{ readonly ok: boolean; readonly detail: string }>
  /** Stops fetching, lets jobs in hand finish for `drainMs`, then aborts them and hands them back. */
  stop(drainMs: number): Promise<void>
}
