import { createHash } from 'node:crypto'
import { StepFailure } from '#shared/domain/failure.ts'
import type { Llm, LlmReply } from '#shared/ports/llm.ts'
import { splitSentences } from '#shared/text/sentences.ts'
import type { Entailments } from '#workers/logic/entailment.ts'
import { entailmentRequest, strictestOf } from '#workers/logic/entailment-request.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import type { Prompt, StepContext } from '#workers/step.ts'
import type { Judged } from './faithfulness-data.ts'
import { quantile } from './quantile.ts'
import { atThreshold, rocArea } from './ranking-of-two.ts'

/** Whom to ask, on whose account. */
export type Reader = {
  readonly llm: Llm
  readonly prompt: Prompt
  readonly call: Pick<StepContext['call'], 'tenantId' | 'models'>
}
/** What a model made of one text: the share of its sentences that it took for entailed; or why there is nothing. */
export type Reading = { readonly entailed: number; readonly reply: LlmReply } | { readonly failed: string }

const AT_ONCE = 4
/** The most claims that a reply may hold, see `Entailments`. */
const MAX_CLAIMS = 60
/** Nothing good comes of asking on when a wrong key or an empty budget has refused this many in a row. */
const MAX_FAILED_IN_A_ROW = 8

/**
 * Asks about every text as `verify` asks about a draft: all sentences, all passages, one call. The calls are journaled under the
 * content of the file, so that a second run over the same file pays only for what the first did not get to.
 * @throws Error with the last failure, when one after the other fails
 */
export async function readByModel(
  rows: readonly Judged[],
  reader: Reader,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Reading[]> {
  const runId = `eval-faithfulness-${createHash('sha256').update(JSON.stringify(rows)).digest('hex').slice(0, 16)}`
  const readings: Reading[] = []
  let next = 0
  let done = 0
  let failedInARow = 0
  const work = async () => {
    while (next < rows.length) {
      const at = next++
      const reading = await readOne(rows[at]!, reader, runId, signal)
      failedInARow = 'failed' in reading ? failedInARow + 1 : 0
      if ('failed' in reading && failedInARow >= MAX_FAILED_IN_A_ROW) {
        next = rows.length
        throw new Error(`${MAX_FAILED_IN_A_ROW} calls in a row failed, the last one with ${reading.failed}`)
      }
      readings[at] = reading
      onProgress(++done, rows.length)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return readings
}

async function readOne({ text, passages }: Judged, reader: Reader, runId: string, signal: AbortSignal): Promise<Reading> {
  const { llm, prompt } = reader
  const citations = passages.map(({ n }) => n)
  const sentences = splitSentences(text).slice(0, MAX_CLAIMS)
  const claims = (sentences.length === 0 ? [{ text }] : sentences).map((sentence) => ({ text: sentence.text, citations }))
  const call = { ...reader.call, runId, step: 'verify', visit: 1 }
  try {
    const request = entailmentRequest(claims, passages, { prompt, fence: promptFence(runId, 1), call })
    const reply = await llm.generate<Entailments>(request, { signal })
    const said = [...strictestOf(reply.value, claims.length).values()]
    if (said.length === 0) return { failed: 'no-verdict' }
    return { entailed: said.filter(({ verdict }) => verdict === 'entailed').length / said.length, reply }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof StepFailure) return { failed: `${error.failure.code}: ${error.failure.message}` }
    throw error
  }
}

/**
 * The figures of the model over the texts that it read: by its verdicts alone (faithful when every sentence is entailed), and
 * ranked together with the support score, which parts what it calls the same.
 */
export function modelFigures(rows: readonly Judged[], supports: readonly number[], readings: readonly Reading[]) {
  const read = readings.flatMap((reading, at) => ('failed' in reading ? [] : [{ ...reading, at }]))
  const labels = read.map(({ at }) => rows[at]!.faithful)
  const shares = read.map(({ entailed }) => entailed)
  const failures: Record<string, number> = {}
  for (const reading of readings) {
    if (!('failed' in reading)) continue
    const [code] = reading.failed.split(':', 1)
    failures[code!] = (failures[code!] ?? 0) + 1
  }
  const tookMs = read.map(({ reply }) => reply.latencyMs)
  const paid = read.filter(({ reply }) => !reply.fromJournal)
  return {
    n: read.length,
    failures,
    ...rocArea(shares, labels),
    ...atThreshold(shares, labels, 1),
    withSupport: rocArea(
      read.map(({ entailed, at }) => (entailed + supports[at]!) / 2),
      labels,
    ),
    models: [...new Set(read.map(({ reply }) => `${reply.provider}/${reply.model}`))],
    costUsd: paid.reduce((sum, { reply }) => sum + reply.costUsd, 0),
    fromJournal: read.length - paid.length,
    latencyMs: { p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) },
  }
}
