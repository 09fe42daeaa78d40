import { expect, test } from 'vitest'
import { eventsOf, liveEventId } from '#pipelines/ticket-events.ts'
import { compareEventIds, StreamedEvent } from '#shared/domain/event.ts'
import type { Attempt } from '#shared/domain/run.ts'
import { sampleAnswer, sampleDraft, sampleScreened, sampleTriage, sampleVerdict } from '#test/fakes/sample-facts.ts'

const AT = new Date('2026-11-21T12:00:00.000Z')
const row = (change: Partial<Attempt>): Attempt => ({
  runId: 'run_1',
  seq: 3,
  step: 'screen',
  attempt: 1,
  visit: 1,
  result: 'clean',
  failure: null,
  factsWritten: {},
  next: { status: 'running', step: 'recall', attempt: 1 },
  startedAt: AT,
  endedAt: AT,
  worker: 'w',
  ...change,
})
const RECEIPT = {
  messageId: 'msg_1',
  deliveredAt: AT.toISOString(),
  text: 'We wrote to ada@example.org. [1] You can return it within 14 days [2]. It is free, see 3.5 there. [1][2]\n\nBye.',
  citations: sampleAnswer().citations,
  confidence: 0.9,
  followUps: ['Who pays the label?'],
}
const delivered = row({
  seq: 8,
  step: 'deliver',
  result: 'delivered',
  factsWritten: { receipt: RECEIPT },
  next: { status: 'answered', step: 'deliver', attempt: 1 },
})
const kinds = (events: readonly StreamedEvent[]) => events.map(({ event }) => event)

test('a step tells what came of it and where the run stands, in a form that the wire takes', () => {
  const [event, ...more] = eventsOf(row({}))
  expect(more).toEqual([])
  expect(event).toEqual({
    id: '3-0',
    event: 'step',
    data: { step: 'screen', result: 'clean', attempt: 1, next: 'recall', status: 'running', at: '2026-11-21T12:00:00.000Z' },
  })
  expect(StreamedEvent.parse(JSON.parse(JSON.stringify(event)))).toEqual(event)
})

test('the same row gives the same events, also when it comes from the database', () => {
  const again = { ...delivered, factsWritten: JSON.parse(JSON.stringify(delivered.factsWritten)) }
  expect(eventsOf(again)).toEqual(eventsOf(delivered))
})

test('ids grow within a row, from row to row, and to what arises afterwards', () => {
  const ids = [
    ...eventsOf(row({ seq: 7, factsWritten: { verdict: sampleVerdict('deliver') } })).map(({ id }) => id),
    liveEventId(7, 0),
    liveEventId(7, 1),
    liveEventId(7, 2_000),
    ...eventsOf(delivered).map(({ id }) => id),
  ]
  expect([...ids].sort(compareEventIds)).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
})

test('an answer is told piece by piece and then as a whole, and done comes last', () => {
  const events = eventsOf(delivered)
  const pieces = events.filter(({ event }) => event === 'token').map(({ data }) => data.text)
  expect(pieces.length).toBeGreaterThan(2)
  expect(pieces.join('')).toBe(RECEIPT.text)
  expect(kinds(events)).toEqual(['step', ...pieces.map(() => 'token'), 'answer', 'done'])
  const { text, citations, confidence, followUps } = RECEIPT
  expect(events.at(-2)?.data).toEqual({ text, citations, confidence, followUps })
  expect(events.at(-1)?.data).toEqual({ status: 'answered' })
})

test.each(['answered', 'closed', 'dead', 'cancelled'] as const)('a run that ends %s says so last', (status) => {
  const events = eventsOf(
    row({ next: { status, step: 'verify', attempt: 1 }, factsWritten: { verdict: sampleVerdict('escalate') } }),
  )
  expect(kinds(events).at(-1)).toBe('done')
  expect(kinds(events).filter((kind) => kind === 'done').length).toBe(1)
})
test.each(['queued', 'running', 'delayed', 'parked', 'waiting'] as const)('a run that is %s is not done', (status) => {
  expect(kinds(eventsOf(row({ next: { status, step: 'verify', attempt: 1 } })))).not.toContain('done')
})

test('a verdict and a hand-over are told without what is not for the customer', () => {
  const verdict = sampleVerdict('escalate', {
    reasons: ['internal'],
    outputChecks: [{ check: 'leak', passed: false, detail: 'internal' }],
  })
  const handover = { escalationId: 'esc_1', reason: 'no reliable source was found', summary: 'internal summary', severity: 'P3' }
  const events = eventsOf(row({ factsWritten: { verdict, handover } }))
  expect(kinds(events)).toEqual(['step', 'verdict', 'escalated'])
  expect(JSON.stringify(events)).not.toContain('internal')
  expect(events[2]?.data).toEqual({ reason: handover.reason, severity: 'P3' })
})

test('what was read while it was being written is not told again, and what was another text is taken back', () => {
  const first = RECEIPT.text.slice(0, 30)
  const withShown = (shown: { characters: number; restart: boolean }) =>
    eventsOf({ ...delivered, factsWritten: { receipt: { ...RECEIPT, shown } } })
  const textOf = (events: readonly StreamedEvent[]) =>
    events.flatMap(({ event, data }) => (event === 'token' ? [data.text] : [])).join('')
  expect(first + textOf(withShown({ characters: 30, restart: false }))).toBe(RECEIPT.text)
  const all = withShown({ characters: RECEIPT.text.length, restart: false })
  expect(kinds(all)).toEqual(['step', 'answer', 'done'])
  const other = withShown({ characters: 0, restart: true })
  expect(kinds(other)[1]).toBe('restart')
  expect(textOf(other)).toBe(RECEIPT.text)
  const handover = { escalationId: 'esc_1', reason: 'x', summary: '', severity: 'P3', takesBack: true }
  expect(kinds(eventsOf(row({ factsWritten: { handover } })))).toEqual(['step', 'restart', 'escalated'])
})

test('personal data stands in the answer alone: no other fact is told', () => {
  const secret = 'ada@example.org'
  const facts = {
    ticket: { body: secret },
    screened: sampleScreened({ placeholders: [{ token: '[EMAIL_1]', type: 'EMAIL', value: secret }] }),
    triage: sampleTriage({ query: secret }),
    draft: sampleDraft({ followUps: [secret] }),
    answer: sampleAnswer({ text: secret }),
    trouble: { step: 'generate', failure: { kind: 'defect', code: 'defect', message: secret } },
    ruling: { by: secret, text: secret },
  }
  expect(
    JSON.stringify(eventsOf(row({ factsWritten: facts, failure: facts.trouble.failure as Attempt['failure'] }))),
  ).not.toContain(secret)
  const told = eventsOf(delivered).filter((event) => JSON.stringify(event).includes(secret))
  expect(new Set(kinds(told))).toEqual(new Set(['token', 'answer']))
})

test('a fact that cannot be read is left out, and the rest is told', () => {
  const damaged = { verdict: { decision: 'maybe' }, handover: 7, receipt: { text: 1 } }
  expect(kinds(eventsOf(row({ factsWritten: damaged })))).toEqual(['step'])
})
