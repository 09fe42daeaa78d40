import { expect, test } from 'vitest'
import { Failure, failureOf, needsPerson, Parked, retryable, StepFailure, terminal } from '#shared/domain/failure.ts'

test('each kind carries its code and its reason, and the cause stays behind it for the log', () => {
  const cause = new Error('429')
  const failures = [retryable('busy', 'why', 100, cause), terminal('refused', 'why', cause), needsPerson('odd', 'why', cause)]
  expect(failures.map(({ failure }) => failure)).toEqual([
    { kind: 'retryable', code: 'busy', message: 'why', retryAfterMs: 100 },
    { kind: 'terminal', code: 'refused', message: 'why' },
    { kind: 'needs-person', code: 'odd', message: 'why' },
  ])
  for (const failure of failures) {
    expect(failure).toBeInstanceOf(StepFailure)
    expect(failure.cause).toBe(cause)
    expect(failure.message).toBe(`${failure.failure.code}: why`)
  }
})

test('without a wait there is none, which is not a wait of 0', () => {
  expect(retryable('busy', 'why').failure).not.toHaveProperty('retryAfterMs')
  expect(retryable('busy', 'why', 0).failure.retryAfterMs).toBe(0)
})

test.each([retryable, terminal, needsPerson])(
  'a long reason is cut to what the log takes, never in the middle of a character',
  (make) => {
    for (const text of ['x'.repeat(5_000), '😀'.repeat(5_000), `x${'😀'.repeat(5_000)}`]) {
      const { failure } = make('code', text)
      expect(Failure.parse(failure)).toEqual(failure)
      expect(failure.message.length).toBeLessThanOrEqual(2_000)
      expect(failure.message.isWellFormed()).toBe(true)
      expect(failure.message.endsWith('…')).toBe(true)
    }
    expect(make('code', 'x'.repeat(2_000)).failure.message).toBe('x'.repeat(2_000))
  },
)

test('what we threw on purpose is what it says; everything else is a defect of ours', () => {
  expect(failureOf(terminal('refused', 'why'))).toEqual({ kind: 'terminal', code: 'refused', message: 'why' })
  expect(failureOf(new RangeError('7 > 5'))).toEqual({ kind: 'defect', code: 'defect', message: 'RangeError: 7 > 5' })
  expect(failureOf(new Parked(new Date(), 'batch')).kind).toBe('defect')
  const lookalike = { failure: { kind: 'retryable', code: 'x', message: 'x' } }
  expect(failureOf(lookalike).kind).toBe('defect')
})

test('whatever is thrown becomes a failure that the log takes', () => {
  const hostile = new Proxy(new Error('x'), {
    get() {
      throw new Error('no')
    },
  })
  for (const thrown of [
    undefined,
    null,
    0,
    '',
    10n,
    Symbol('s'),
    Object.create(null),
    () => {},
    hostile,
    [],
    new Error('x'.repeat(9_999)),
  ])
    expect(Failure.parse(failureOf(thrown))).toMatchObject({ kind: 'defect', code: 'defect' })
})
