import type { Lane } from '#shared/domain/ticket.ts'
import type { Usage } from '#shared/domain/usage.ts'

/** What operators measure. Labels are bounded sets: never an id, never a tenant's free text. */
export interface Telemetry {
  stepEnded(step: { readonly pipeline: string; readonly step: string; readonly result: string; readonly seconds: number }): void
  runEnded(run: { readonly pipeline: string; readonly status: string; readonly lane: Lane; readonly seconds: number }): void
  /** A job that did nothing because the run had moved on, was unknown, or was lost and sent again. */
  jobSkipped(queue: string, reason: 'overtaken' | 'unknown' | 'redispatched' | 'handed-back'): void
  modelCalled(call: {
    readonly provider: string
    readonly model: string
    readonly task: string
    readonly result: string
    readonly seconds: number
    readonly usage: Usage
    readonly costUsd: number
  }): void
  httpServed(request: {
    readonly method: string
    readonly route: string
    readonly status: number
    readonly seconds: number
  }): void
  /** Our own mistake: somebody should be woken. */
  defect(where: string): void
  /** Figures that are read when asked for, such as queue depths. */
  gauge(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => Promise<readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>,
  ): void
  /** Prometheus text format. */
  expose(): Promise<{ readonly contentType: string; readonly body: string }>
}
