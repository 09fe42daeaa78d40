import * as z from 'zod'
import { Failure } from './failure.ts'
import { Lane } from './ticket.ts'

/**
 * queued: accepted, no step has ended yet · running: between its first and last step · delayed: a retry is due later ·
 * parked: waits for a provider batch · waiting: waits for a person · the rest are ends.
 * `dead` is left only by a redrive; `answered`, `closed`, `done` and `cancelled` are never left.
 */
export const RunStatus = z.enum([
  'queued',
  'running',
  'delayed',
  'parked',
  'waiting',
  'answered',
  'closed',
  'done',
  'dead',
  'cancelled',
])
export type RunStatus = z.infer<typeof RunStatus>
export const RunEnd = z.enum(['answered', 'closed', 'done'])
export type RunEnd = z.infer<typeof RunEnd>

export const ENDED: readonly RunStatus[] = ['answered', 'closed', 'done', 'dead', 'cancelled']
/** The statuses in which a job in a queue must exist for the run to move on. */
export const DISPATCHED: readonly RunStatus[] = ['queued', 'running', 'delayed']

const Counts = z.record(z.string(), z.int().nonnegative())

/** The part of a run that decides what happens next; the input of `advance`. */
export const RunState = z.object({
  status: RunStatus,
  step: z.string(),
  /** Grows by one with every transition; whoever holds an older one has been overtaken. */
  seq: z.int().nonnegative(),
  /** 1 for the first execution of this visit to the step. */
  attempt: z.int().positive(),
  /** How often each step has been entered. */
  visits: Counts,
  /** How often each bounded edge (`verify.repairable`) has been taken. */
  loops: Counts,
  rescues: z.int().nonnegative(),
  /** No retry is scheduled past this moment. */
  deadlineAt: z.date(),
  lane: Lane,
})
export type RunState = z.infer<typeof RunState>

export const Run = RunState.extend({
  id: z.string(),
  tenantId: z.string(),
  pipeline: z.string(),
  version: z.int().positive(),
  subjectId: z.string(),
  traceId: z.string(),
  /** Facts as stored; each step parses those it reads. */
  facts: z.record(z.string(), z.unknown()),
  /** When the current job is (or was) to start, or when a wait ends. */
  dueAt: z.date(),
  createdAt: z.date(),
  updatedAt: z.date(),
  endedAt: z.date().nullable(),
})
export type Run = z.infer<typeof Run>

/** What happened to a run; the input of `advance` beside the state. */
export type RunEvent =
  /** The step, or the person it waited for, came to an outcome. */
  | { readonly kind: 'completed'; readonly outcome: string; readonly facts: Readonly<Record<string, unknown>> }
  /** The step handed over to a person. */
  | { readonly kind: 'waiting'; readonly until: Date; readonly facts: Readonly<Record<string, unknown>> }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** The step asked for a reply that will come later. */
  | { readonly kind: 'parked'; readonly until: Date }
  /** What it was parked for is there. */
  | { readonly kind: 'resumed' }
  /** A wait or a park lasted too long. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'cancelled' }
  /** The queue lost the job; the same attempt goes out again. */
  | { readonly kind: 'lost' }
  /** An operator sends a dead-lettered step round again. */
  | { readonly kind: 'redriven'; readonly step: string }

/** Written by the engine when it takes the rescue edge: which step failed, and how. */
export const Trouble = z.object({ step: z.string(), failure: Failure })
export type Trouble = z.infer<typeof Trouble>

/** One row of the log: what happened at `seq`, and where it led. The run row can be rebuilt from these. */
export const Attempt = z.object({
  runId: z.string(),
  seq: z.int().nonnegative(),
  step: z.string(),
  attempt: z.int().positive(),
  visit: z.int().nonnegative(),
  /** What came of it: an outcome's name, or one of the engine's own words such as `failed`, `waiting`, `parked`, `cancelled`. */
  result: z.string(),
  failure: Failure.nullable(),
  factsWritten: z.record(z.string(), z.unknown()),
  next: z.object({ status: RunStatus, step: z.string(), attempt: z.int().positive() }),
  startedAt: z.date(),
  endedAt: z.date(),
  worker: z.string(),
})
export type Attempt = z.infer<typeof Attempt>
