import type { TraceParent } from '#shared/domain/trace.ts'

/** A span that is over. Attributes hold ids, names and numbers, never what anybody wrote. */
export type FinishedSpan = TraceParent & {
  readonly name: string
  readonly parentSpanId?: string
  /** `client`: a call that went out. */
  readonly kind: 'internal' | 'client'
  readonly startedAt: Date
  readonly endedAt: Date
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  /** The failure's code; absent when all went well. */
  readonly errorType?: string
  readonly events?: readonly { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[]
}

/** Where traces go. Telling it costs microseconds and never fails: a collector that is away loses spans, nobody else loses anything. */
export interface Traces {
  record(span: FinishedSpan): void
  /** Sends what is waiting; gives up after a few seconds. */
  close(): Promise<void>
}
