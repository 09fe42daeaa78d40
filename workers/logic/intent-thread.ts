import { parentPort } from 'node:worker_threads'
import { LRUCache } from 'lru-cache'
import { type IntentClassifier, trainIntentClassifier } from './intent-classifier.ts'
import type { IntentQuestion, IntentReply } from './predict-intent.ts'

/** The other side of `predictIntent`: trains, keeps what it has trained, and predicts. Runs as a worker thread. */

const MAX_CLASSIFIERS = 50
const trained = new LRUCache<string, IntentClassifier>({ max: MAX_CLASSIFIERS })

parentPort?.on('message', (question: IntentQuestion) => parentPort?.postMessage(answer(question)))

function answer({ id, fingerprint, text, examples }: IntentQuestion): IntentReply {
  try {
    const classifier = trained.get(fingerprint) ?? (examples && trainIntentClassifier(examples))
    if (!classifier) return { id, kind: 'unknown' }
    trained.set(fingerprint, classifier)
    return { id, kind: 'prediction', prediction: classifier.predict(text) }
  } catch (error) {
    return { id, kind: 'failed', message: String(error) }
  }
}
