import { describe, expect, test } from 'vitest'
import { rewriteQuery } from '#workers/logic/rewrite-query.ts'

const QUESTION = 'How do I reset my Hub 2?'

test('a question stays as it is, below its subject', () => {
  expect(rewriteQuery('', QUESTION)).toBe(QUESTION)
  expect(rewriteQuery('Reset', QUESTION)).toBe(`Reset\n${QUESTION}`)
})
test('a subject that the body begins with, or that stands alone, is said once', () => {
  expect(rewriteQuery('how do i reset', QUESTION)).toBe(QUESTION)
  expect(rewriteQuery(QUESTION, '')).toBe(QUESTION)
  expect(rewriteQuery('Re: RE: Fwd: Reset', 'It did not help.')).toBe('Reset\nIt did not help.')
})

describe('a greeting', () => {
  test.each([
    'Hi,',
    'Hello!',
    'hey there',
    'Dear Sir or Madam,',
    'Dear billing team,',
    'Good morning Larkspur Support,',
    'Hi Anna',
    'Hello support.',
  ])('of its own line goes: %s', (line) => {
    expect(rewriteQuery('', `${line}\n\n${QUESTION}`)).toBe(QUESTION)
  })
  test.each(['Hi, ', 'Hello there! ', 'Hi Anna, ', 'Dear people of Larkspur, ', 'good evening. '])(
    'in front of the question goes: %s',
    (start) => {
      expect(rewriteQuery('', `${start}${QUESTION}`)).toBe(QUESTION)
    },
  )
  test.each([
    'Hello my hub is offline',
    'hi how do i reset hub 2',
    'Hey the light blinks red, what now?',
    'Hi Hub 2 is red',
    'High pitched noise',
    'Dear me what a mess',
  ])('that is part of what is asked stays: %s', (text) => {
    expect(rewriteQuery('', text)).toBe(text)
  })
})

describe('a farewell', () => {
  test.each([
    'Thanks',
    'Thank you very much for your help!',
    'thanks in advance, Anna',
    'Many thanks',
    'Best regards',
    'Kind regards, Anna Miller',
    'With best wishes,',
    'Best,',
    'Cheers',
    'Yours sincerely,',
    'All the best',
    'Sent from my iPhone',
    'Have a nice day!',
  ])('goes: %s', (line) => {
    expect(rewriteQuery('', `${QUESTION}\n\n${line}`)).toBe(QUESTION)
  })
  test.each([
    'Best way to reset my hub?',
    'Thanks, but how do I reset it?',
    'Thank you for the answer. It still blinks.',
    'thanks but it is still offline',
    'Regards to the order 17 that I placed, it is late.',
    'Best plan for two homes',
    'Yours is the only hub that does this',
    'Cheers from the kitchen can be heard when the alarm rings.',
  ])('that says more than farewell stays: %s', (text) => {
    expect(rewriteQuery('', text)).toBe(text)
  })
  test('takes the signature below it along, but no postscript', () => {
    const letter = `${QUESTION}\nKind regards\nAnna Miller\nHead of Facilities\n+44 7700 900142\nPS: does this delete my automations?`
    expect(rewriteQuery('', letter)).toBe(`${QUESTION}\nPS: does this delete my automations?`)
  })
  test('before a signature mark, and what stands below the mark, goes', () => {
    expect(rewriteQuery('', `${QUESTION}\n-- \nAnna Miller\nWe sell hubs. Buy now.`)).toBe(QUESTION)
  })
})

describe('quoted mail', () => {
  test.each([
    '> We sent you a hub.\n> Best, Larkspur',
    'On Mon, 3 Nov 2026 at 10:00, Larkspur Support wrote:\n> We sent you a hub.',
    '-----Original Message-----\nFrom: support@example.org\nWe sent you a hub.',
    'From: Larkspur <support@example.org>\nSent: Monday\nSubject: Hub\nWe sent you a hub.',
  ])('goes: %j', (quoted) => {
    expect(rewriteQuery('', `${QUESTION}\n\n${quoted}`)).toBe(QUESTION)
  })
  test('that is all there is stays, as far as it is not a mere header', () => {
    expect(rewriteQuery('', '---------- Forwarded message\nThe hub is offline.')).toBe('The hub is offline.')
  })
})

test('placeholders go, with what they leave behind', () => {
  expect(rewriteQuery('Mail from [EMAIL_1]', 'I am [PERSON_1], write to [EMAIL_1] or call [PHONE_12].')).toBe(
    'Mail from\nI am, write to or call.',
  )
  expect(rewriteQuery('', 'The array [INDEX] and [1] stay.')).toBe('The array [INDEX] and [1] stay.')
})

describe('a long letter', () => {
  const story = Array.from(
    { length: 40 },
    (_, i) => `On day ${i} my cousin moved the hub to another shelf and the light was green.`,
  ).join(' ')
  test('is cut down to its subject and its questions', () => {
    const query = rewriteQuery(
      'Hub 2',
      `Dear team,\n\n${story} How do I reset it?\n\n${story}\nDoes that delete my history?\n\nBest regards\nAnna`,
    )
    expect(query).toBe('Hub 2\nHow do I reset it? Does that delete my history?')
  })
  test('without a question is cut down to what it wants', () => {
    expect(rewriteQuery('', `${story} Please tell me the way to reset it. ${story}`)).toBe('Please tell me the way to reset it.')
  })
  test('that wants nothing plainly keeps its beginning', () => {
    const query = rewriteQuery('', story)
    expect(query.startsWith('On day 0 my cousin')).toBe(true)
    expect(query.length).toBeLessThanOrEqual(600)
  })
  test('of one endless sentence or without any sentence still leaves something to look for', () => {
    for (const text of [`${'reset my hub and '.repeat(200)}?`, 'x'.repeat(5_000), 'reset '.repeat(900)]) {
      const query = rewriteQuery('', text)
      expect(query.length).toBeGreaterThan(10)
      expect(query.length).toBeLessThanOrEqual(601)
    }
  })
})

test.each([
  'Guten Tag, wie kann ich meinen Hub 2 zurücksetzen? Vielen Dank und freundliche Grüße',
  "Bonjour, je voudrais le renvoyer. Combien de jours ai-je ? Merci d'avance",
  'Hola, mi sensor aparece sin conexión. ¿Qué puedo hacer? Un saludo',
  'Beste klantenservice, hoe kan ik mijn hub resetten? Alvast bedankt',
  '昨日からハブがオフラインです。どうすればいいですか。',
  'كيف أعيد ضبط المركز؟',
])('another language is left as it is: %s', (text) => {
  expect(rewriteQuery('', text)).toBe(text)
})

test.each([['?'], ['help'], ['Hello'], ['Thanks!'], ['> only a quotation']])('what would leave nothing is kept: %s', (text) => {
  expect(rewriteQuery('', text)).toBe(text)
})
test('nothing is nothing', () => {
  expect(rewriteQuery('', '')).toBe('')
  expect(rewriteQuery(' ', ' \n ')).toBe('')
})

test('a text that is made to be slow is not', () => {
  const startedAt = performance.now()
  const parts = [
    'how ',
    'Hi, ',
    'thanks ',
    'best ',
    '[A_1',
    '[',
    'on x wrote',
    '-- \n',
    '>',
    '\n',
    ' ',
    'Hi\n',
    'regards, Anna\n',
    '?',
    'a.',
    'From: ',
    'A',
    're: ',
    '_',
  ]
  for (const part of parts) {
    const text = part.repeat(Math.ceil(100_000 / part.length))
    rewriteQuery(text.slice(0, 500), text)
    rewriteQuery('', `${text}?`)
  }
  // Twice a hundred kilobytes for each of them.
  expect(performance.now() - startedAt).toBeLessThan(parts.length * 1_000)
})
