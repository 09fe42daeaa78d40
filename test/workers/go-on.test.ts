import { expect, test } from 'vitest'
import { retryable } from '#shared/domain/failure.ts'
import type { Dispatch } from '#shared/ports/dispatcher.ts'
import { memoryEngine, type TicketSteps } from '#test/fakes/engine.memory.ts'
import {
  sampleAnswer,
  sampleDraft,
  samplePassages,
  sampleScreened,
  sampleTenant,
  sampleTriage,
  sampleVerdict,
} from '#test/fakes/sample-facts.ts'
import { goesOnWith } from '#workers/go-on.ts'

const receipt = { text: 'Within 14 days. [1]', citations: [], confidence: 0.9, followUps: [], replyId: 'rpl_1' }
const ordinary = {
  screen: async () => ({ outcome: 'clean', facts: { screened: sampleScreened() } }),
  recall: async () => ({ outcome: 'miss', facts: { recalled: { key: 'k', partition: 'p', cacheable: true, hit: false } } }),
  classify: async () => ({ outcome: 'answerable', facts: { triage: sampleTriage() } }),
  retrieve: async () => ({ outcome: 'found', facts: { passages: samplePassages() } }),
  generate: async () => ({ outcome: 'drafted', facts: { draft: sampleDraft() } }),
  verify: async () => ({ outcome: 'faithful', facts: { verdict: sampleVerdict('deliver'), answer: sampleAnswer() } }),
  deliver: async () => ({ outcome: 'delivered', facts: { receipt } }),
} as unknown as TicketSteps
const ALL = ['recall', 'classify', 'retrieve', 'generate', 'verify', 'escalate', 'deliver'].map(
  (step) => `support-ticket.${step}`,
)
const short = goesOnWith(ALL, {}, () => false)
const world = (steps: TicketSteps = {}, goesOn = short) => memoryEngine({ ...ordinary, ...steps }, sampleTenant(), goesOn)
const stepsOf = (jobs: readonly Dispatch[]) => jobs.map(({ step }) => step)

test('short steps are gone on with, the others come from their queues, and the log says the same either way', async () => {
  const [queued, going] = [world({}, () => false), world()]
  const [one, other] = [await queued.process(), await going.process()]
  expect(one.status).toBe('answered')
  expect(stepsOf(queued.queues.dispatched)).toEqual(['screen', 'recall', 'classify', 'retrieve', 'generate', 'verify', 'deliver'])
  expect(stepsOf(going.queues.dispatched)).toEqual(['screen', 'generate'])
  expect(other.facts).toEqual(one.facts)
  expect([other.status, other.seq]).toEqual([one.status, one.seq])
  expect(going.results()).toEqual(queued.results())
  const told = async ({ stream }: typeof queued) => {
    const events: string[] = []
    for await (const { id, event } of stream.follow('acme', 'tkt_of_run_1', undefined, AbortSignal.timeout(5_000)))
      events.push(`${id} ${event}`)
    return events
  }
  expect(await told(going)).toEqual(await told(queued))
})

test('a step that fails is tried again by way of its queue, and then gone on with', async () => {
  let calls = 0
  const { process, queues, results } = world({
    classify: (async () => {
      if (calls++ === 0) throw retryable('busy', 'later')
      return { outcome: 'answerable', facts: { triage: sampleTriage() } }
    }) as unknown as NonNullable<TicketSteps['classify']>,
  })
  expect((await process()).status).toBe('answered')
  expect(stepsOf(queues.dispatched)).toEqual(['screen', 'classify', 'generate'])
  expect(queues.dispatched[1]!.delayMs).toBeGreaterThan(0)
  expect(results().filter((result) => result.startsWith('classify'))).toEqual(['classify:failed', 'classify:answerable'])
})

test('when the process must stop, the step in hand goes to its queue', async () => {
  const stop = new AbortController()
  const { begin, work, runs, queues } = world({
    classify: () => {
      stop.abort()
      return new Promise(() => {})
    },
  })
  await begin()
  expect(await work({ runId: 'run_1', seq: 0 }, stop.signal)).toEqual({ kind: 'done' })
  expect(await runs.load('run_1')).toMatchObject({ step: 'classify', seq: 2 })
  expect(queues.dispatched).toMatchObject([{ step: 'classify', seq: 2, delayMs: 0 }])
})

test.each([false, true])(
  'a step that cannot be recorded comes back later; without queues (%s) the sweeper sends it',
  async (away) => {
    const here = world({
      recall: (async () => {
        here.runs.away = true
        here.queues.away = away
        return { outcome: 'miss', facts: { recalled: { key: 'k', partition: 'p', cacheable: true, hit: false } } }
      }) as unknown as NonNullable<TicketSteps['recall']>,
    })
    await here.begin()
    expect(await here.work({ runId: 'run_1', seq: 0 })).toEqual({ kind: 'done' })
    here.runs.away = false
    expect(await here.runs.load('run_1')).toMatchObject({ step: 'recall', seq: 1 })
    expect(stepsOf(here.queues.dispatched)).toEqual(away ? [] : ['recall'])
    const warnings = here.log.lines.filter(({ message }) => message.includes('the sweeper will send it'))
    expect(warnings).toHaveLength(away ? 1 : 0)
  },
)

test('nothing is gone on with that is offline, long, somebody else’s or paused, or while the process stops', () => {
  const recall = { pipeline: 'support-ticket', step: 'recall', lane: 'interactive' } as const
  const generate = { ...recall, step: 'generate' }
  expect(short(recall)).toBe(true)
  expect(short({ ...recall, lane: 'standard' })).toBe(true)
  for (const one of [{ ...recall, lane: 'offline' } as const, generate, { ...recall, pipeline: 'index-document', step: 'parse' }])
    expect(short(one)).toBe(false)
  expect(goesOnWith(['support-ticket.verify'], {}, () => false)(recall)).toBe(false)
  expect(goesOnWith(ALL, {}, () => true)(recall)).toBe(false)
  const paused = goesOnWith(ALL, { paused: ({ step }) => step === 'recall' }, () => false)
  expect([paused(recall), paused({ ...recall, step: 'verify' })]).toEqual([false, true])
})
