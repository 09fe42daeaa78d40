import type { Clock } from '#shared/ports/clock.ts'
import type { ConsoleStore, InstallationFigures } from '#shared/ports/console-store.ts'
import type { Dispatcher } from '#shared/ports/dispatcher.ts'
import type { Telemetry } from '#shared/ports/telemetry.ts'

export type GaugeDeps = {
  readonly consoleStore: Pick<ConsoleStore, 'installation'>
  readonly dispatcher: Pick<Dispatcher, 'depths'>
  readonly clock: Pick<Clock, 'now'>
}

/** Several gauges of one scrape share one look into the database. */
const SHARE_MS = 1_000

/**
 * Figures of the whole installation, read when Prometheus asks. Register them in every process that serves `/metrics` (they agree;
 * dashboards and rules take the maximum), or in the API alone.
 */
export function registerGauges(telemetry: Telemetry, { consoleStore, dispatcher, clock }: GaugeDeps): void {
  const figures = shared(() => consoleStore.installation(clock.now()), clock)
  const gauge = (name: string, help: string, labels: readonly string[], pick: (figures: InstallationFigures) => Values) =>
    telemetry.gauge(name, help, labels, async () => pick(await figures()))

  telemetry.gauge('answerline_queue_jobs', 'Jobs in a queue, by state.', ['queue', 'state'], async () =>
    (await dispatcher.depths()).flatMap(({ queue, ...states }) =>
      Object.entries(states).map(([state, value]) => ({ labels: { queue, state }, value })),
    ),
  )
  gauge('answerline_runs_active', 'Runs not at rest, by status.', ['pipeline', 'status'], ({ runs }) =>
    runs.map(({ pipeline, status, count }) => ({ labels: { pipeline, status }, value: count })),
  )
  gauge('answerline_step_due_runs', 'Runs whose job is due and not done.', ['pipeline', 'step'], ({ overdue }) =>
    overdue.map(({ pipeline, step, count }) => ({ labels: { pipeline, step }, value: count })),
  )
  gauge(
    'answerline_step_oldest_due_seconds',
    'For how long the oldest due job of a step has been due.',
    ['pipeline', 'step'],
    ({ overdue }) => overdue.map(({ pipeline, step, seconds }) => ({ labels: { pipeline, step }, value: seconds })),
  )
  gauge(
    'answerline_dead_letters_open',
    'Steps that failed for good and were not sent round again.',
    ['pipeline', 'step'],
    ({ deadLetters }) => deadLetters.map(({ pipeline, step, count }) => ({ labels: { pipeline, step }, value: count })),
  )
  gauge('answerline_escalations_open', 'Cases that wait for a person.', [], ({ escalations }) => [
    { labels: {}, value: escalations.count },
  ])
  gauge('answerline_escalation_oldest_seconds', 'For how long the oldest open case has waited.', [], ({ escalations }) => [
    { labels: {}, value: escalations.oldestSeconds },
  ])
}

type Values = readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]

function shared<T>(read: () => Promise<T>, clock: Pick<Clock, 'now'>): () => Promise<T> {
  let last: { readonly at: number; readonly value: Promise<T> } | undefined
  return () => {
    const at = clock.now().getTime()
    if (!last || Math.abs(at - last.at) >= SHARE_MS) last = { at, value: read() }
    return last.value
  }
}
