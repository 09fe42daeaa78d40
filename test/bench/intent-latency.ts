import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { demoTickets } from '#cli/demo-world.ts'
import { trainIntentClassifier } from '#workers/logic/intent-classifier.ts'
import { quantile, rounded } from './figures.ts'
import { type BenchReport, machine } from './report.ts'

export const FULL_INTENT = { runs: 10_000 }
export const QUICK_INTENT = { runs: 500 }

/** Milliseconds the local classifier takes for one message of the demo, trained on the demo's labelled examples. */
export async function benchIntentLatency({ runs }: { readonly runs: number }): Promise<BenchReport> {
  const where = machine()
  const file = join(import.meta.dirname, '..', '..', 'demo', 'examples.jsonl')
  const examples = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { text: string; intent: string })
  const startedAt = performance.now()
  const classifier = trainIntentClassifier(examples)
  const trainingMs = performance.now() - startedAt
  const messages = demoTickets().map(({ subject, body }) => `${subject}\n${body}`.slice(0, 2_000))
  const times: number[] = []
  for (let i = -Math.ceil(runs / 10); i < runs; i++) {
    const message = messages[Math.abs(i) % messages.length]!
    const begunAt = performance.now()
    classifier.predict(message)
    // The first tenth warms the compiler up.
    if (i >= 0) times.push(performance.now() - begunAt)
  }
  return {
    name: 'intent-latency',
    value: rounded(times.reduce((sum, ms) => sum + ms, 0) / times.length),
    unit: 'ms/message',
    baseline: null,
    ratio: null,
    p50: rounded(quantile(times, 0.5)),
    p99: rounded(quantile(times, 0.99)),
    n: runs,
    machine: where,
    examples: examples.length,
    trainingMs: rounded(trainingMs),
    notes: 'value is the mean; the target is 1 ms a message',
  }
}
