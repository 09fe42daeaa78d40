import { requestIdOf } from '#shared/domain/batch.ts'
import type { Failure } from '#shared/domain/failure.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { BatchResult, RemoteBatch } from '#shared/ports/batch-provider.ts'
import type { AppliedResult } from '#shared/ports/batch-store.ts'
import { type BatchWork, change, finish, type NextLook } from './batch-work.ts'

type Counts = { malformed: number; unknown: number; repeated: number }

/**
 * Reads the results as they come and writes them portion by portion; a crash begins anew, and what was written does not count again.
 * Requests of which no line tells are asked synchronously.
 */
export async function applyBatch(work: BatchWork, remote: RemoteBatch): Promise<NextLook> {
  const { desk, batch, provider, signal } = work
  const counts: Counts = { malformed: 0, unknown: 0, repeated: 0 }
  let portion: AppliedResult[] = []
  const write = async () => {
    if (portion.length > 0) await writePortion(work, portion, counts)
    portion = []
  }
  for await (const result of provider.results(remote, batch, signal)) {
    const requestId = result.kind === 'malformed' ? undefined : requestIdOf(result.customId, batch.id)
    if (result.kind === 'malformed') counts.malformed++
    else if (requestId === undefined) counts.unknown++
    else portion.push(appliedOf(requestId, result))
    if (portion.length >= desk.pace.applyRows) await write()
  }
  await write()
  const missing = await desk.batches.returnRest(batch.id, 'spilled', MISSING)
  if (counts.malformed + counts.unknown + missing > 0)
    desk.log.warn(
      { batchId: batch.id, ...counts, missing },
      'a batch came back with lines that tell of no request, or without some',
    )
  await change(work, { problems: counts })
  return finish(work, remote)
}

const MISSING: Failure = { kind: 'retryable', code: 'batch-missing', message: 'the results do not tell of this request' }

/** A refusal is for a person to look at, as ever; every other failure is asked again synchronously, where there are other models. */
function appliedOf(id: string, result: Exclude<BatchResult, { kind: 'malformed' }>): AppliedResult {
  switch (result.kind) {
    case 'reply':
      return {
        id,
        state: 'answered',
        text: result.text,
        failure: null,
        usage: result.usage,
        costUsd: result.costUsd,
        journal: true,
      }
    case 'failed': {
      const { failure, usage, costUsd } = result
      return {
        id,
        state: failure.kind === 'needs-person' ? 'failed' : 'spilled',
        text: null,
        failure,
        usage,
        costUsd,
        journal: true,
      }
    }
    case 'unserved': {
      const failure: Failure = { kind: 'retryable', code: result.code, message: 'the batch ended before it came to this request' }
      return { id, state: 'spilled', text: null, failure, usage: NO_USAGE, costUsd: 0, journal: false }
    }
  }
}

async function writePortion({ desk, batch }: BatchWork, portion: readonly AppliedResult[], counts: Counts): Promise<void> {
  const { ended, late, repeated } = await desk.batches.apply(batch.id, portion)
  counts.repeated += repeated
  if (late > 0) desk.log.warn({ batchId: batch.id, late }, 'replies came after they were asked for elsewhere or cancelled')
  const byId = new Map(portion.map((result) => [result.id, result]))
  for (const { id, task, state, costUsd } of ended) {
    const { usage, failure } = byId.get(id)!
    const result = state === 'answered' ? 'ok' : (failure?.code ?? state)
    desk.telemetry.modelCalled({ provider: batch.provider, model: batch.model, task, result, seconds: 0, usage, costUsd })
  }
  const { budget } = desk
  if (!budget) return
  // Closed at what it cost, not at what was held; should we die here, the budget closes it by the journal.
  await Promise.all(
    ended.map(({ id, tenantId, costUsd }) =>
      costUsd > 0 ? budget.settle({ id, tenantId }, costUsd) : budget.release({ id, tenantId }),
    ),
  )
}
