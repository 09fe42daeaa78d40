import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { retryable } from '#shared/domain/failure.ts'
import type { IntentPrediction, LabelledExample } from './intent-classifier.ts'

/** To the thread. Examples go along only when the thread may not know them yet. */
export type IntentQuestion = {
  readonly id: number
  readonly fingerprint: string
  readonly text: string
  readonly examples?: readonly LabelledExample[]
}
/** From the thread; `unknown` asks for the examples. */
export type IntentReply = { readonly id: number } & (
  | { readonly kind: 'prediction'; readonly prediction: IntentPrediction }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed'; readonly message: string }
)

type Waiting = { readonly resolve: (reply: IntentReply) => void; readonly reject: (error: Error) => void }

let thread: Worker | undefined
let nextId = 1
const waiting = new Map<number, Waiting>()
const fingerprints = new WeakMap<object, string>()

/**
 * The intent of a text by a classifier trained on these examples. Training takes about a second per 1,000 examples, so it (and
 * the prediction) happens in a thread of its own: a process that stands still for that long would lose the locks of its jobs.
 * Trained once per set of examples and process; a changed set is another one.
 * @throws a retryable `StepFailure` when the thread dies; the next call starts another
 */
export async function predictIntent(examples: readonly LabelledExample[], text: string): Promise<IntentPrediction> {
  const fingerprint = fingerprintOf(examples)
  let reply = await ask({ fingerprint, text })
  if (reply.kind === 'unknown') reply = await ask({ fingerprint, text, examples })
  if (reply.kind === 'prediction') return reply.prediction
  throw new Error(reply.kind === 'failed' ? reply.message : 'the classifier thread did not learn the examples')
}

function fingerprintOf(examples: readonly LabelledExample[]): string {
  const known = fingerprints.get(examples)
  if (known !== undefined) return known
  const fingerprint = createHash('sha256').update(JSON.stringify(examples)).digest('hex')
  fingerprints.set(examples, fingerprint)
  return fingerprint
}

function ask(question: Omit<IntentQuestion, 'id'>): Promise<IntentReply> {
  const id = nextId++
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject })
    const running = runningThread()
    running.ref()
    running.postMessage({ ...question, id })
  })
}

function runningThread(): Worker {
  if (thread) return thread
  const started = new Worker(new URL('./intent-thread.ts', import.meta.url))
  const gone = (error?: unknown) => {
    if (thread !== started) return
    thread = undefined
    for (const { reject } of waiting.values())
      reject(retryable('classifier-gone', 'the classifier thread ended', undefined, error))
    waiting.clear()
  }
  started.on('message', (reply: IntentReply) => {
    waiting.get(reply.id)?.resolve(reply)
    waiting.delete(reply.id)
    // Only a question keeps the process alive, not the thread that waits for one.
    if (waiting.size === 0) started.unref()
  })
  started.on('error', gone)
  started.on('exit', () => gone())
  thread = started
  return started
}
