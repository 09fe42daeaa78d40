import { readFile, realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { setImmediate as letOthersRun } from 'node:timers/promises'
import * as z from 'zod'
import { type IntentClassifier, isOutOfScopeLabel, trainIntentClassifier } from '#workers/logic/intent-classifier.ts'
import { type IntentMetrics, intentMetrics, type JudgedRow } from './intent-metrics.ts'
import { quantile } from './quantile.ts'

export type IntentEvalOptions = {
  /** JSON lines of `{text, intent}`; `id`, `bot` and `split` are understood, other fields are ignored. */
  train: string
  data: string
  /** Only rows of this bot, in both files. */
  bot?: string
}

export type IntentEvalReport = {
  suite: 'intent'
  n: number
  metrics: IntentMetrics & { byBot?: Record<string, IntentMetrics & { n: number }> }
  latencyMs: { p50: number; p99: number }
  config: Record<string, unknown>
}

const rowSchema = z.object({
  id: z.union([z.string(), z.number()]).optional(),
  text: z.string(),
  intent: z.string().min(1),
  bot: z.string().optional(),
  split: z.string().optional(),
})
type Row = z.infer<typeof rowSchema>
type Judged = JudgedRow & { readonly bot: string; readonly turnedAway: boolean; readonly latencyMs: number }

const seed = 1
const rowsBetweenBreaths = 200
const warmUpRows = 50

/**
 * Trains the local classifier on one file and measures it on another. Files with a `bot` field train one classifier a bot.
 * Where both files are one, `split` tells training rows (its name contains "train") from the measured rest; rows of the
 * training file that stand in the data as well are left out of training.
 * @throws Error with the file and line for what cannot be read or makes no measurement
 */
export async function evalIntent(
  options: IntentEvalOptions,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<IntentEvalReport> {
  const { train, data } = await readBothFiles(options)
  const startedAt = performance.now()
  const classifiers = trainPerBot(train, data)
  const trainMs = performance.now() - startedAt
  const judged = await judgeRows(data, classifiers, onProgress)
  const latencies = judged.map((row) => row.latencyMs).sort((a, b) => a - b)
  const bots = [...new Set(judged.map((row) => row.bot))].sort()
  const byBot = Object.fromEntries(
    bots.map((bot) => {
      const rows = judged.filter((row) => row.bot === bot)
      return [bot, { n: rows.length, ...measure(rows) }]
    }),
  )
  return {
    suite: 'intent',
    n: judged.length,
    metrics: { ...measure(judged), ...(bots.some((bot) => bot !== '') ? { byBot } : {}) },
    latencyMs: { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) },
    config: {
      classifier: 'linear: support vectors + logistic regression over TF-IDF of word 1-2-grams and character 2-5-grams',
      train: basename(options.train),
      data: basename(options.data),
      ...(options.bot === undefined ? {} : { bot: options.bot }),
      trainExamples: train.length,
      trainOutOfScope: train.filter((row) => isOutOfScopeLabel(row.intent)).length,
      trainMs: Math.round(trainMs),
      seed,
      classifiers: Object.fromEntries(
        [...classifiers].map(([bot, { classifier }]) => [
          bot || 'all',
          { examples: classifier.exampleCount, intents: classifier.intents.length, threshold: classifier.threshold },
        ]),
      ),
    },
  }
}

async function readBothFiles(options: IntentEvalOptions): Promise<{ train: Row[]; data: Row[] }> {
  if (!options.train) throw new Error('eval intent needs --train FILE: labelled examples, one {"text", "intent"} a line')
  if (!options.data) throw new Error('eval intent needs --data FILE: labelled messages to measure, one {"text", "intent"} a line')
  const ofBot = (row: Row) => options.bot === undefined || row.bot === options.bot
  const train = (await readRows(options.train)).filter(ofBot)
  const data = (await readRows(options.data)).filter(ofBot)
  const filter = options.bot === undefined ? '' : ` for bot ${options.bot}`
  if ((await realpath(options.train)) === (await realpath(options.data))) {
    const isTrain = (row: Row) => row.split?.includes('train') === true
    const parts = { train: train.filter(isTrain), data: data.filter((row) => row.split !== undefined && !isTrain(row)) }
    if (parts.train.length > 0 && parts.data.length > 0) return parts
    throw new Error(`${options.train}: train and data are one file, and its "split" fields do not part it${filter}`)
  }
  const measured = new Set(data.filter((row) => row.id !== undefined).map(rowKey))
  const unseen = train.filter((row) => row.id === undefined || !measured.has(rowKey(row)))
  if (unseen.length === 0) throw new Error(`${options.train}: no training example${filter} that is not in the data`)
  if (data.length === 0) throw new Error(`${options.data}: no row to measure${filter}`)
  return { train: unseen, data }
}

function rowKey(row: Row): string {
  return JSON.stringify([row.id, row.text])
}

async function readRows(path: string): Promise<Row[]> {
  const lines = (await readFile(path, 'utf8')).split('\n')
  return lines.flatMap((line, at) => {
    if (line.trim() === '') return []
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      throw new Error(`${path}:${at + 1}: not JSON`)
    }
    const parsed = rowSchema.safeParse(value)
    if (parsed.success) return [parsed.data]
    const issue = parsed.error.issues[0]
    throw new Error(`${path}:${at + 1}: ${issue?.path.join('.') || 'row'}: ${issue?.message}`)
  })
}

type Trained = { readonly classifier: IntentClassifier; readonly knowsOutOfScope: boolean }

/** One classifier for each bot that the data needs, under '' where the examples name no bot. */
function trainPerBot(train: readonly Row[], data: readonly Row[]): Map<string, Trained> {
  const perBot = train.some((row) => row.bot !== undefined)
  const trained = new Map<string, Trained>()
  for (const bot of new Set(data.map((row) => (perBot ? (row.bot ?? '') : '')))) {
    const examples = perBot ? train.filter((row) => (row.bot ?? '') === bot) : train
    if (examples.length === 0) throw new Error(`No training example for ${bot ? `bot ${bot}` : 'rows without a bot'}; use --bot`)
    const rows = perBot ? data.filter((row) => (row.bot ?? '') === bot) : data
    const knowsOutOfScope = [...examples, ...rows].some((row) => isOutOfScopeLabel(row.intent))
    trained.set(bot, { classifier: trainIntentClassifier(examples, { seed }), knowsOutOfScope })
  }
  return trained
}

async function judgeRows(data: readonly Row[], trained: Map<string, Trained>, onProgress: (done: number, total: number) => void) {
  const trainedFor = (row: Row) => (trained.get(row.bot ?? '') ?? trained.get(''))!
  for (const row of data.slice(0, warmUpRows)) trainedFor(row).classifier.predict(row.text)
  const judged: Judged[] = []
  for (const row of data) {
    const { classifier, knowsOutOfScope } = trainedFor(row)
    const startedAt = performance.now()
    const prediction = classifier.predict(row.text)
    judged.push({
      gold: isOutOfScopeLabel(row.intent) ? '' : row.intent,
      // Where neither file knows "out of scope", a message turned away is a hand-over, not a label of its own.
      given: knowsOutOfScope && prediction.outOfScope ? '' : prediction.intent,
      best: prediction.intent,
      confidence: prediction.confidence,
      bot: row.bot ?? '',
      turnedAway: prediction.outOfScope,
      latencyMs: performance.now() - startedAt,
    })
    if (judged.length % rowsBetweenBreaths !== 0) continue
    onProgress(judged.length, data.length)
    await letOthersRun()
  }
  onProgress(data.length, data.length)
  return judged
}

function measure(rows: readonly Judged[]): IntentMetrics {
  return intentMetrics(rows, rows.filter((row) => row.turnedAway).length)
}
