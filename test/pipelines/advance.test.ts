import { describe, expect, test } from 'vitest'
import { advance, beginRun, type Transition } from '#pipelines/advance.ts'
import type { Pipeline } from '#pipelines/pipeline.ts'
import { sendWebhook } from '#pipelines/send-webhook.ts'
import { supportTicket } from '#pipelines/support-ticket.ts'
import type { Failure } from '#shared/domain/failure.ts'
import type { RunEvent, RunState } from '#shared/domain/run.ts'

/** Given a run, when something happens, then it stands there: time and dice are data. */

const ticket = supportTicket as unknown as Pipeline
const webhook = sendWebhook as unknown as Pipeline
const NOW = new Date('2026-11-21T12:00:00Z')
const later = (ms: number) => new Date(NOW.getTime() + ms)

const at = (step: string, change: Partial<RunState> = {}): RunState => ({
  ...beginRun(ticket, 'standard', NOW),
  status: 'running',
  step,
  seq: 7,
  visits: { [step]: 1 },
  ...change,
})
const completed = (outcome: string, facts: Record<string, unknown> = {}): RunEvent => ({ kind: 'completed', outcome, facts })
const failed = (kind: Failure['kind'], more: Partial<Failure> = {}): RunEvent => ({
  kind: 'failed',
  failure: { kind, code: 'some-code', message: 'why', ...more },
})
const moved = (pipeline: Pipeline, run: RunState, event: RunEvent, now = NOW, random = 0.5): Transition => {
  const transition = advance(pipeline, run, event, now, random)
  if ('ignored' in transition) throw new Error(`ignored: ${transition.ignored}`)
  return transition
}

test('the next state is a state and nothing else, though callers pass whole runs with all their facts', () => {
  const run = { ...at('screen'), id: 'run_1', facts: { ticket: { body: 'my name is Ada' } } }
  for (const event of [
    completed('clean'),
    failed('retryable'),
    failed('terminal'),
    { kind: 'cancelled' },
    { kind: 'lost' },
  ] as const)
    expect(Object.keys(moved(ticket, run, event).next).sort()).toEqual(Object.keys(at('screen')).sort())
})

describe('an outcome', () => {
  test('leads to the step that the pipeline names, at the next seq, and its facts go along', () => {
    const transition = moved(ticket, at('screen'), completed('clean', { screened: 1 }))
    expect(transition).toMatchObject({ result: 'clean', facts: { screened: 1 }, dispatch: true, dueAt: NOW, deadLetter: null })
    expect(transition.next).toMatchObject({
      status: 'running',
      step: 'recall',
      seq: 8,
      attempt: 1,
      visits: { screen: 1, recall: 1 },
    })
  })
  test('may lead to an end, and then nothing is dispatched', () => {
    const transition = moved(ticket, at('deliver'), completed('delivered'))
    expect(transition.next).toMatchObject({ status: 'answered', step: 'deliver' })
    expect(transition.dispatch).toBe(false)
  })
  test('starts the next step with its first attempt, however many this one took', () => {
    expect(moved(ticket, at('retrieve', { attempt: 4 }), completed('found')).next.attempt).toBe(1)
  })
  test('takes a bounded edge as often as it may, and another way after that', () => {
    const first = moved(ticket, at('verify'), completed('repairable'))
    expect(first.next).toMatchObject({ step: 'generate', loops: { 'verify.repairable': 1 } })
    const second = moved(ticket, { ...first.next, step: 'verify' }, completed('repairable'))
    expect(second.next).toMatchObject({ step: 'escalate', loops: { 'verify.repairable': 1 } })
  })
  test('that the pipeline does not know is a defect of ours, and a person takes over', () => {
    const transition = moved(ticket, at('screen'), completed('sparkling'))
    expect(transition.next.step).toBe('escalate')
    expect(transition.deadLetter).toMatchObject({ step: 'screen', failure: { kind: 'defect', code: 'unknown-outcome' } })
  })
})

describe('a retryable failure', () => {
  test('waits, spread by the dice, and tries the same step again', () => {
    const transition = moved(ticket, at('generate', { attempt: 3 }), failed('retryable'))
    expect(transition.next).toMatchObject({ status: 'delayed', step: 'generate', attempt: 4, seq: 8, visits: { generate: 1 } })
    expect(transition).toMatchObject({ result: 'failed', dispatch: true, dueAt: later(2_000), deadLetter: null })
  })
  test('waits as long as the other side asked', () => {
    expect(moved(ticket, at('generate'), failed('retryable', { retryAfterMs: 30_000 })).dueAt).toEqual(later(30_000))
  })
  test('is final after the last attempt: dead letter, and a person', () => {
    const transition = moved(ticket, at('generate', { attempt: 6 }), failed('retryable'))
    expect(transition.next).toMatchObject({ status: 'running', step: 'escalate', attempt: 1, rescues: 1 })
    expect(transition.deadLetter).toMatchObject({ step: 'generate' })
    expect(transition.facts).toEqual({ trouble: { step: 'generate', failure: expect.objectContaining({ code: 'some-code' }) } })
  })
  test("is final when the next try would be past the run's deadline", () => {
    const run = at('generate', { deadlineAt: later(20_000) })
    expect(moved(ticket, run, failed('retryable', { retryAfterMs: 20_000 })).next.status).toBe('delayed')
    expect(moved(ticket, run, failed('retryable', { retryAfterMs: 20_001 })).next.step).toBe('escalate')
  })
})

describe('a final failure', () => {
  test.each(['terminal', 'defect'] as const)('(%s) is not retried and goes to a person with a dead letter', (kind) => {
    const transition = moved(ticket, at('retrieve'), failed(kind))
    expect(transition.next.step).toBe('escalate')
    expect(transition.deadLetter).not.toBeNull()
  })
  test('that needs a person goes there without a dead letter, for nothing is broken', () => {
    const transition = moved(ticket, at('generate'), failed('needs-person'))
    expect(transition.next.step).toBe('escalate')
    expect(transition.deadLetter).toBeNull()
  })
  test('of the rescue step itself leaves the run dead', () => {
    const transition = moved(ticket, at('escalate'), failed('terminal'))
    expect(transition.next).toMatchObject({ status: 'dead', step: 'escalate' })
    expect(transition.dispatch).toBe(false)
    expect(transition.deadLetter).toMatchObject({ step: 'escalate' })
  })
  test('after the last rescue leaves the run dead', () => {
    expect(moved(ticket, at('deliver', { rescues: 1 }), failed('terminal')).next.step).toBe('escalate')
    expect(moved(ticket, at('deliver', { rescues: 2 }), failed('terminal')).next.status).toBe('dead')
  })
  test('without a rescue leaves the run dead, and even what needs a person leaves a dead letter then', () => {
    const run = { ...beginRun(webhook, 'standard', NOW), status: 'running' as const }
    const transition = moved(webhook, run, failed('needs-person'))
    expect(transition.next.status).toBe('dead')
    expect(transition.deadLetter).toMatchObject({ step: 'send' })
  })
})

describe("a person's step", () => {
  const waiting = at('escalate', { status: 'waiting', deadlineAt: later(-1) })
  test('waits once its function has handed over', () => {
    const transition = moved(ticket, at('escalate'), { kind: 'waiting', until: later(1_000), facts: { handover: 1 } })
    expect(transition).toMatchObject({ result: 'waiting', dueAt: later(1_000), dispatch: false, facts: { handover: 1 } })
    expect(transition.next).toMatchObject({ status: 'waiting', step: 'escalate', visits: { escalate: 1 } })
  })
  test('is ended by the person, and the machine gets its full time again', () => {
    const { next } = moved(ticket, waiting, completed('answered'))
    expect(next).toMatchObject({ status: 'running', step: 'deliver', deadlineAt: later(3_600_000) })
  })
  test('is ended by time, too', () => {
    const transition = moved(ticket, waiting, { kind: 'expired' })
    expect(transition).toMatchObject({ result: 'expired', next: { status: 'closed' } })
  })
  test('cannot be ended before it waits, and no other step can wait', () => {
    expect(advance(ticket, at('escalate'), completed('answered'), NOW, 0)).toEqual({ ignored: '"escalate" does not wait yet' })
    expect(advance(ticket, at('verify'), { kind: 'waiting', until: NOW, facts: {} }, NOW, 0)).toEqual({
      ignored: '"verify" is no person\'s step',
    })
    expect(advance(ticket, at('verify', { status: 'waiting' }), completed('faithful'), NOW, 0)).toEqual({
      ignored: '"verify" is no person\'s step',
    })
  })
  test('does not fail, park or get lost while it waits', () => {
    for (const event of [
      failed('retryable'),
      { kind: 'parked', until: NOW },
      { kind: 'lost' },
      { kind: 'waiting', until: NOW, facts: {} },
      { kind: 'resumed' },
    ] as RunEvent[]) {
      expect(advance(ticket, waiting, event, NOW, 0)).toHaveProperty('ignored')
    }
  })
})

describe('a parked run', () => {
  const parked = moved(ticket, at('generate'), { kind: 'parked', until: later(60_000) }).next
  test('sleeps at its step without using an attempt', () => {
    expect(parked).toMatchObject({ status: 'parked', step: 'generate', attempt: 1, seq: 8 })
  })
  test.each(['resumed', 'expired'] as const)('goes on at the same step when it is %s', (kind) => {
    const transition = moved(ticket, parked, { kind })
    expect(transition).toMatchObject({
      result: 'resumed',
      dispatch: true,
      next: { status: 'running', step: 'generate', attempt: 1, seq: 9 },
    })
  })
  test('takes no late outcome', () => {
    expect(advance(ticket, parked, completed('drafted'), NOW, 0)).toEqual({ ignored: 'the run is parked' })
  })
})

test('a lost job goes out again under a new seq, with nothing else changed', () => {
  const run = at('verify', { status: 'delayed', attempt: 3 })
  const transition = moved(ticket, run, { kind: 'lost' })
  expect(transition).toMatchObject({ result: 'redispatched', dispatch: true })
  expect(transition.next).toEqual({ ...run, seq: 8 })
})

describe('cancelling', () => {
  test.each(['queued', 'running', 'delayed', 'parked', 'waiting'] as const)('ends a run that is %s', (status) => {
    expect(moved(ticket, at('generate', { status }), { kind: 'cancelled' }).next).toMatchObject({ status: 'cancelled', seq: 8 })
  })
  test('comes too late for a reply that is going out', () => {
    expect(advance(ticket, at('deliver'), { kind: 'cancelled' }, NOW, 0)).toEqual({ ignored: '"deliver" cannot be called back' })
  })
})

describe('an ended run', () => {
  test.each(['answered', 'closed', 'done', 'cancelled', 'dead'] as const)(
    '(%s) is moved by nothing that happens late',
    (status) => {
      const events: RunEvent[] = [
        completed('drafted'),
        failed('retryable'),
        { kind: 'cancelled' },
        { kind: 'expired' },
        { kind: 'lost' },
        { kind: 'resumed' },
        { kind: 'parked', until: NOW },
        { kind: 'waiting', until: NOW, facts: {} },
      ]
      for (const event of events)
        expect(advance(ticket, at('generate', { status }), event, NOW, 0)).toEqual({ ignored: `the run has ended (${status})` })
    },
  )
})

describe('a redrive', () => {
  test('sends a dead run back to the step that failed, as if for the first time', () => {
    const transition = moved(ticket, at('escalate', { status: 'dead', attempt: 6, rescues: 2, deadlineAt: later(-1) }), {
      kind: 'redriven',
      step: 'generate',
    })
    expect(transition.next).toMatchObject({
      status: 'running',
      step: 'generate',
      attempt: 1,
      rescues: 0,
      seq: 8,
      deadlineAt: later(3_600_000),
    })
    expect(transition).toMatchObject({ result: 'redriven', dispatch: true, facts: { trouble: null } })
  })
  test('takes a rescued run away from its person', () => {
    const run = at('escalate', { status: 'waiting', rescues: 1 })
    expect(moved(ticket, run, { kind: 'redriven', step: 'verify' }).next).toMatchObject({ status: 'running', step: 'verify' })
  })
  test('is refused for a run that goes well, was handed over for another reason, or has ended', () => {
    for (const run of [
      at('generate'),
      at('escalate', { status: 'waiting' }),
      at('deliver', { status: 'answered' }),
      at('screen', { status: 'cancelled' }),
    ]) {
      expect(advance(ticket, run, { kind: 'redriven', step: 'generate' }, NOW, 0)).toHaveProperty('ignored')
    }
  })
  test('is refused for a step that is no more, and clears no fact where there is no rescue', () => {
    expect(advance(ticket, at('escalate', { status: 'dead' }), { kind: 'redriven', step: 'gone' }, NOW, 0)).toEqual({
      ignored: '"gone" is not a step of support-ticket any more',
    })
    const run = { ...beginRun(webhook, 'standard', NOW), status: 'dead' as const }
    expect(moved(webhook, run, { kind: 'redriven', step: 'send' }).facts).toEqual({})
  })
})

test('a failure at a step that this version does not have ends in the hands of a person', () => {
  expect(moved(ticket, at('gone'), failed('retryable')).next.step).toBe('escalate')
})
