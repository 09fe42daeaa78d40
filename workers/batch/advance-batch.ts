import { pollDelayMs } from '#shared/domain/batch.ts'
import { type Failure, failureOf } from '#shared/domain/failure.ts'
import type { RemoteBatch, Submission } from '#shared/ports/batch-provider.ts'
import { applyBatch } from './apply-batch.ts'
import { type BatchWork, change, finish, LeaseLost, type NextLook } from './batch-work.ts'

const AT_ONCE: NextLook = { inMs: 0 }
/** After this many refusals its requests are asked synchronously: what a provider does not take five times it does not take. */
const MAX_CREATIONS = 5
const RETRY_FIRST_MS = 5_000
const RETRY_MAX_MS = 5 * 60_000

/** One move of a batch, from the state that the database has. */
export async function advanceBatch(work: BatchWork): Promise<NextLook> {
  switch (work.batch.state) {
    case 'packed':
      return orGiveUp(work, upload)
    case 'uploaded':
      return create(work)
    case 'creating':
      return reconcile(work)
    case 'submitted':
      return orGiveUp(work, poll)
    case 'done':
      return 'done'
  }
}

/** A file that the provider does not take, or a batch that it does not know any more, will not get better. */
async function orGiveUp(work: BatchWork, move: (work: BatchWork) => Promise<NextLook>): Promise<NextLook> {
  try {
    return await move(work)
  } catch (error) {
    const failure = failureOf(error)
    if (failure.code !== 'provider-rejected') throw error
    work.desk.log.warn({ batchId: work.batch.id, state: work.batch.state, err: error }, 'a batch was given up')
    return giveUp(work, failure)
  }
}

const submissionOf = ({ desk, batch }: BatchWork): Submission => ({
  batchId: batch.id,
  model: batch.model,
  endpoint: batch.endpoint,
  requests: batch.requests,
  lines: () => desk.batches.lines(batch.id),
})

/** An upload that a crash repeats leaves a file that nobody names and that goes by itself; only `create` submits. */
async function upload(work: BatchWork): Promise<NextLook> {
  const { desk, batch, provider, signal } = work
  const requests = await desk.batches.trim(batch.id)
  if (requests === 0 || batch.cancelRequested) return giveUp(work, batch.failure ?? CANCELLED)
  const fileId = await provider.upload({ ...submissionOf(work), requests }, signal)
  await change(work, { state: 'uploaded', fileId })
  return AT_ONCE
}

/** The marker goes first, then the note that a creation is under way, then the creation: whatever dies in between is told apart. */
async function create(work: BatchWork): Promise<NextLook> {
  const { desk, batch, provider, signal } = work
  if (batch.cancelRequested) return giveUp(work, batch.failure ?? CANCELLED)
  const marker = await provider.newest(signal)
  await change(work, { state: 'creating', marker, creations: batch.creations + 1, creating: 'begins' })
  // The last look before money is spent: a lease that ran out meanwhile must not create a second batch.
  if (!(await desk.batches.renew(batch.id, work.owner, desk.pace.leaseMs))) throw new LeaseLost(batch.id)
  try {
    return await submitted(work, await provider.create(submissionOf(work), batch.fileId, signal))
  } catch (error) {
    if (error instanceof LeaseLost) throw error
    const failure = failureOf(error)
    desk.log.warn({ batchId: batch.id, code: failure.code }, 'a batch may or may not have been created')
    // A clear refusal created nothing; of everything else we know nothing until the provider has been asked.
    if (failure.kind === 'terminal' || failure.code === 'provider-rate-limited') return refused(work, failure)
    return { inMs: desk.pace.createSettleMs }
  }
}

async function refused(work: BatchWork, failure: Failure): Promise<NextLook> {
  const { batch } = work
  if (failure.kind === 'terminal' || batch.creations + 1 >= MAX_CREATIONS) return giveUp(work, failure)
  await change(work, { state: 'uploaded', creating: 'over' })
  return { inMs: Math.max(failure.retryAfterMs ?? 0, retryDelayMs(batch.creations, work.desk.clock.random())) }
}

export const retryDelayMs = (tries: number, random: number) =>
  Math.round(Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(tries, 20)) * (0.5 + 0.5 * random))

/** A creation of unknown outcome: the provider is asked, by listing, before anything is created again. */
async function reconcile(work: BatchWork): Promise<NextLook> {
  const { desk, batch, provider, signal } = work
  const restMs = desk.pace.createSettleMs - (batch.creatingForMs ?? 0)
  if (restMs > 0) return { inMs: Math.ceil(restMs) }
  const isKnown = (ids: readonly string[]) => desk.batches.knownRemoteIds(batch.provider, ids)
  const found = await provider.find(submissionOf(work), batch.marker, isKnown, signal)
  desk.log.info({ batchId: batch.id, found: found.kind }, 'looked for a batch whose creation was interrupted')
  if (found.kind === 'found') return submitted(work, found.batch)
  if (found.kind === 'unsure') return { inMs: desk.pace.maxPollMs }
  if (batch.creations >= MAX_CREATIONS) return giveUp(work, NOT_CREATED)
  await change(work, { state: 'uploaded', creating: 'over' })
  return AT_ONCE
}

async function submitted(work: BatchWork, remote: RemoteBatch): Promise<NextLook> {
  const { desk, batch } = work
  await change(work, { state: 'submitted', remoteId: remote.id, remoteStatus: remote.status, creating: 'over' })
  desk.log.info({ batchId: batch.id, remoteId: remote.id, requests: batch.requests }, 'submitted a batch')
  return { inMs: pollDelayMs(0, desk.pace.firstPollMs, desk.pace.maxPollMs, desk.clock.random()) }
}

async function poll(work: BatchWork): Promise<NextLook> {
  const { desk, batch, provider, signal } = work
  const remote = await provider.read(batch.remoteId!, signal)
  await change(work, { remoteStatus: remote.status, completed: remote.completed, polls: batch.polls + 1 })
  if (remote.phase === 'ended') return applyBatch(work, remote)
  if (remote.phase === 'rejected') return rejected(work, remote)
  if (!batch.cancelSent && (batch.cancelRequested || (await desk.batches.abandoned(batch.id)))) {
    // One that is already past it (finalizing) refuses: its results come and are applied as far as anybody wants them.
    await provider
      .cancel(remote.id, signal)
      .catch((err) => desk.log.info({ batchId: batch.id, err }, 'the provider did not cancel'))
    await change(work, { cancelSent: true })
    return { inMs: desk.pace.firstPollMs }
  }
  return { inMs: pollDelayMs(batch.polls, desk.pace.firstPollMs, desk.pace.maxPollMs, desk.clock.random()) }
}

/** The provider's queue is full; the same requests fit later. Everything else at validation is wrong with the file or its lines. */
const COME_AGAIN = new Set(['token_limit_exceeded', 'rate_limit_exceeded', 'queue_full'])

/** Rejected at validation: nothing was worked on. Lines that were named are asked synchronously, the others go into another batch. */
async function rejected(work: BatchWork, remote: RemoteBatch): Promise<NextLook> {
  const { desk, batch } = work
  const [first] = remote.problems
  const message = first ? `${first.code}: ${first.message}` : remote.status
  const kind = COME_AGAIN.has(first?.code ?? '') ? 'retryable' : 'terminal'
  const failure: Failure = { kind, code: 'batch-rejected', message: message.slice(0, 500) }
  desk.log.warn({ batchId: batch.id, problems: remote.problems.length, message: failure.message }, 'a batch was rejected')
  const lines = remote.problems.flatMap(({ line }) => (line === undefined ? [] : [line]))
  if (lines.length > 0) await desk.batches.spillLines(batch.id, lines, failure)
  await desk.batches.returnRest(batch.id, 'queued', failure)
  return finish(work, remote, failure)
}

/** Nothing of it is at the provider: whoever still waits is asked for synchronously. */
async function giveUp(work: BatchWork, failure: Failure): Promise<NextLook> {
  await work.desk.batches.returnRest(work.batch.id, 'spilled', failure)
  return finish(work, undefined, failure)
}

const CANCELLED: Failure = { kind: 'terminal', code: 'batch-cancelled', message: 'cancelled before it was sent' }
const NOT_CREATED: Failure = {
  kind: 'terminal',
  code: 'batch-not-created',
  message: 'the provider did not take it, several times over',
}
