import type { RunEvent, RunState } from '#shared/domain/run.ts'

export type Moved =
  | { readonly moved: true; readonly state: RunState }
  /** `gone`: no such run · `refused`: the event does not fit the run as it is, or somebody else was faster; `why` says which. */
  | { readonly moved: false; readonly reason: 'gone' | 'refused'; readonly why: string }

/** Moves a run on from outside its steps: a person's decision, a cancellation, a redrive, a batch reply. */
export interface RunMover {
  /** Durable when it resolves; the next job is dispatched and followers are told. @param seq refuses when the run is not there any more */
  move(runId: string, event: RunEvent, by: string, seq?: number): Promise<Moved>
}
