import type { BatchFigures, BatchStore } from '#shared/ports/batch-store.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Telemetry } from '#shared/ports/telemetry.ts'

/** Several gauges of one scrape share one look into the database. */
const SHARE_MS = 1_000

type Values = readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]

/** What operators see of the offline lane, of the whole installation. */
export function registerBatchGauges(
  telemetry: Telemetry,
  { batches, clock }: { readonly batches: Pick<BatchStore, 'figures'>; readonly clock: Pick<Clock, 'now'> },
): void {
  let last: { readonly at: number; readonly figures: Promise<BatchFigures> } | undefined
  const figures = () => {
    const at = clock.now().getTime()
    if (!last || Math.abs(at - last.at) >= SHARE_MS) last = { at, figures: batches.figures() }
    return last.figures
  }
  const gauge = (name: string, help: string, labels: readonly string[], pick: (figures: BatchFigures) => Values) =>
    telemetry.gauge(name, help, labels, async () => pick(await figures()))
  const one = (value: number): Values => [{ labels: {}, value }]

  gauge('answerline_batch_requests', 'Requests of the offline lane, by state.', ['provider', 'state'], ({ requests }) =>
    requests.map(({ provider, state, count }) => ({ labels: { provider, state }, value: count })),
  )
  gauge('answerline_batches', 'Provider batches, by state.', ['provider', 'state'], ({ batches: all }) =>
    all.map(({ provider, state, count }) => ({ labels: { provider, state }, value: count })),
  )
  gauge('answerline_batch_oldest_queued_seconds', 'For how long the oldest request has waited for a batch.', [], (f) =>
    one(f.oldestQueuedSeconds),
  )
  gauge('answerline_batch_oldest_submitted_seconds', 'For how long the oldest open batch has been at its provider.', [], (f) =>
    one(f.oldestSubmittedSeconds),
  )
  gauge('answerline_batch_spill_ratio', 'Share of ended requests that had to be asked synchronously.', [], (f) =>
    one(f.spillRatio),
  )
  gauge('answerline_batch_saved_usd', 'What batches saved against synchronous calls: as much as they cost.', [], (f) =>
    one(f.costUsd),
  )
}
