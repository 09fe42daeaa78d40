import { describe, expect, test } from 'vitest'
import { assessSeverity } from '#workers/logic/assess-severity.ts'
import { SEVERITY_RULES } from '#workers/logic/severity-rules.ts'
import { SEVERITY_MESSAGES, UNSEEN_MESSAGES } from './severity-messages.ts'

type Labelled = typeof SEVERITY_MESSAGES
const isGrave = (severity: string) => severity === 'P0' || severity === 'P1'
const isEmergency = (severity: string) => severity === 'P0'

function assess(set: Labelled) {
  const all = Object.entries(set).flatMap(([severity, texts]) =>
    texts.map((text) => ({ severity, text, found: assessSeverity(text).severity as string })),
  )
  const mistakes = all.filter(({ severity, found }) => severity !== found)
  /** Precision and recall of "this is of the chosen severities". */
  const measure = (chosen: (severity: string) => boolean) => {
    const right = all.filter(({ severity, found }) => chosen(severity) && chosen(found)).length
    const precision = right / all.filter(({ found }) => chosen(found)).length
    return { precision, recall: right / all.filter(({ severity }) => chosen(severity)).length }
  }
  const wrong = mistakes.map(({ severity, found, text }) => `${severity} as ${found}: ${text}`).join('\n')
  return { all, measure, accuracy: 1 - mistakes.length / all.length, wrong }
}
const known = assess(SEVERITY_MESSAGES)
const unseen = assess(UNSEEN_MESSAGES)

test('there are enough messages, half of them calm, none twice', () => {
  const texts = [...known.all, ...unseen.all].map(({ text }) => text)
  expect(texts.length).toBeGreaterThanOrEqual(120)
  expect(SEVERITY_MESSAGES.P3.length).toBeGreaterThanOrEqual(60)
  expect(new Set(texts).size).toBe(texts.length)
})

describe('on messages that the rules were made for', () => {
  test('no emergency is missed, and hardly a calm message is taken for one', () => {
    const { precision, recall } = known.measure(isEmergency)
    expect(recall, known.wrong).toBe(1)
    expect(precision, known.wrong).toBeGreaterThanOrEqual(0.95)
  })
  test('what must go to a person (P0, P1) is found, and little else', () => {
    const { precision, recall } = known.measure(isGrave)
    expect(recall, known.wrong).toBe(1)
    expect(precision, known.wrong).toBeGreaterThanOrEqual(0.95)
    expect(known.accuracy, known.wrong).toBeGreaterThanOrEqual(0.97)
  })
  test('nothing changes with typographic quotes, shouting or the letter around it', () => {
    for (const { text, found } of known.all) {
      const letter = `Hello,\n\nI have been a customer since 2019.\n${text.replaceAll("'", '’')}\n\nKind regards\nAnna`
      expect(assessSeverity(letter).severity, text).toBe(found)
      expect(assessSeverity(text.toUpperCase()).severity, text).toBe(found)
    }
  })
})

describe('on messages that no rule was made for', () => {
  test('no emergency is missed', () => {
    const { precision, recall } = unseen.measure(isEmergency)
    expect(recall, unseen.wrong).toBe(1)
    expect(precision, unseen.wrong).toBeGreaterThanOrEqual(0.9)
  })
  test('most of what must go to a person is found, and little else', () => {
    const { precision, recall } = unseen.measure(isGrave)
    expect(recall, unseen.wrong).toBeGreaterThanOrEqual(0.85)
    expect(precision, unseen.wrong).toBeGreaterThanOrEqual(0.9)
    expect(unseen.accuracy, unseen.wrong).toBeGreaterThanOrEqual(0.9)
  })
})

test('the gravest of several incidents counts, and every one is named', () => {
  const both = assessSeverity('The app is very slow. My account was hacked. And now the hub is on fire!')
  expect(both).toMatchObject({
    severity: 'P0',
    reasons: ['severity:fire-or-smoke', 'severity:account-breach', 'severity:degraded'],
  })
})

test('calm words in one sentence do not cover an incident in another, nor in another clause', () => {
  expect(assessSeverity('How do I pair a Plug? It is on fire.').severity).toBe('P0')
  expect(assessSeverity('There was no fire at first, but then flames came out').severity).toBe('P0')
  expect(assessSeverity('I asked whether it may get hot, and now it is burning').severity).toBe('P0')
})

test('the rules stand in order of gravity, for the first hit decides', () => {
  const order = SEVERITY_RULES.map(({ severity }) => severity)
  expect([...order].sort()).toEqual(order)
})

describe('a wish for a person', () => {
  test.each([
    'agent please',
    'I want to speak to a real person',
    'can I talk to someone?',
    'Please connect me with a human agent',
    "I don't want to talk to a robot",
    'put me through to your manager',
    'Please call me after five',
    'live agent',
  ])('is heard: %s', (text) => {
    expect(assessSeverity(text).wantsPerson).toBe(true)
  })
  test.each([
    'How do I connect another person to my home?',
    'Does the hub talk to the Plug?',
    'Which agent does the user-agent header need?',
    'Can my property manager see this?',
    'How do I speak to my lights with a voice assistant?',
    'The operator in my filter is wrong',
    'How many people can use one home?',
  ])('is not read into %s', (text) => {
    expect(assessSeverity(text).wantsPerson).toBe(false)
  })
})

describe('a legal threat', () => {
  test.each([
    'I will sue you',
    'My solicitor has the papers ready',
    'we take legal action',
    'I will lodge a complaint with the data protection authority',
    'see you in court',
    'I will take this to court',
  ])('is heard, and is a dispute at least: %s', (text) => {
    expect(assessSeverity(text)).toMatchObject({ legalThreat: true, severity: 'P2' })
  })
  test.each([
    'Is it legal to record the doorbell?',
    'Which court does the delivery service serve?',
    'The issue persists',
    'Sue is my wife, add her',
    'I pursue another idea',
  ])('is not read into %s', (text) => {
    expect(assessSeverity(text).legalThreat).toBe(false)
  })
})

test.each([
  ['You are the WORST company', 'angry'],
  ['ANSWER ME FINALLY', 'angry'],
  ['what???', 'angry'],
  ['The app is not working', 'negative'],
  ['Thank you, great product', 'positive'],
  ['How do I pair a Plug?', 'neutral'],
] as const)('%s is %s', (text, sentiment) => {
  expect(assessSeverity(text).sentiment).toBe(sentiment)
})

test('a text that is made to be slow is not', () => {
  const parts = [
    'all ',
    'smoke ',
    'everything ',
    'charged ',
    'if the smoke ',
    'how can no ',
    'someone has ',
    'speak to ',
    'connect me ',
    'AAAA ',
    'complaint ',
    'nobody in ',
    'login from ',
    'burn,',
    'no ',
    ' ',
    '.',
    '. ',
    '!',
    'a',
    "can't ",
    'hack',
  ]
  const startedAt = performance.now()
  for (const part of parts) {
    const text = part.repeat(Math.ceil(100_000 / part.length))
    const began = performance.now()
    assessSeverity(text)
    expect(performance.now() - began, JSON.stringify(part)).toBeLessThan(10_000)
  }
  expect(performance.now() - startedAt).toBeLessThan(20_000)
})
