import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TenantPrivacy } from '#shared/domain/tenant-privacy.ts'
import { maskPii, restorePii } from '#workers/logic/mask-pii.ts'
import { hostileFood } from './hostile-food.ts'

describe('maskPii', () => {
  it('gives the same value the same token, also in a later text of the ticket', () => {
    const subject = maskPii('About jane@acme.example')
    const body = maskPii('I am jane@acme.example, not joe@acme.example.', { placeholders: subject.placeholders })
    expect(subject.text).toBe('About [EMAIL_1]')
    expect(body.text).toBe('I am [EMAIL_1], not [EMAIL_2].')
    expect(body.placeholders.map(({ value }) => value)).toEqual(['jane@acme.example', 'joe@acme.example'])
  })

  it('masks token-shaped text of the customer, so that no token is ambiguous', () => {
    const text = 'What is [EMAIL_1]? Write to jane@acme.example'
    const masked = maskPii(text)
    expect(masked.text).toBe('What is [LITERAL_1]? Write to [EMAIL_1]')
    expect(restorePii(masked.text, masked.placeholders)).toBe(text)
  })

  it('restores a value that contains another one or looks like a token', () => {
    const text = '[PERSON_2] wrote from ann@b.co and joann@b.co'
    const masked = maskPii(text, { requester: { email: 'ann@b.co' } })
    expect(masked.placeholders.map(({ value }) => value)).toEqual(['[PERSON_2]', 'ann@b.co', 'joann@b.co'])
    expect(restorePii(masked.text, masked.placeholders)).toBe(text)
  })

  it('leaves unknown tokens in an answer as they are', () => {
    expect(restorePii('Hello [PERSON_9]', [])).toBe('Hello [PERSON_9]')
  })

  it('masks a value that was once recognised wherever it stands as a word', () => {
    expect(maskPii('My name is Zoltan. Zoltan again, zoltan@x.io. Not zoltanville.').text).toBe(
      'My name is [PERSON_1]. [PERSON_1] again, [EMAIL_1]. Not zoltanville.',
    )
    expect(maskPii('hunter22 does not work. My password is hunter22').text).toBe(
      '[SECRET_1] does not work. My password is [SECRET_1]',
    )
  })

  it('masks the requester by name and address, but not a name that is a word of its own', () => {
    const requester = { name: 'Will Harrington', email: 'w.h@acme.example' }
    expect(maskPii('Will you tell Harrington? Regards, WILL HARRINGTON w.h@acme.example', { requester }).text).toBe(
      'Will you tell [PERSON_1]? Regards, [PERSON_2] [EMAIL_1]',
    )
  })

  it('leaves order, account and ticket numbers, amounts, dates and versions to be read', () => {
    const text =
      'Order 4111111111111111, order number 113542617735902, account 202-555-0143, invoice #2024-55012, ticket 5551234567, 1,299.00 EUR on 2024-05-06 12:33, firmware 10.2.3.4, 1.299.000 Rp'
    expect(maskPii(text)).toEqual({ text, placeholders: [] })
  })

  const piece = fc.constantFrom(
    'jane.doe@acme.example',
    '+49 30 901820',
    '(555) 123-4567',
    '4111 1111 1111 1111',
    'DE89 3704 0044 0532 0130 00',
    '078-05-1120',
    '192.168.7.44',
    '2001:db8::ff00:42:8329',
    'https://u:p@acme.example/x?token=abc',
    'my password is s3cr3t!',
    'born on 1980-02-03',
    'My name is Ada Lovelace',
    'sk-live-abcdefghijklmnop1234',
    '[EMAIL_1]',
    '[PERSON_12]',
    '[',
    ']',
    '@',
    '\n',
    ' ',
    '_1]',
    'order 12345',
    'Thanks,\nAda\n',
    'call me on 9472 7916',
  )

  it('is undone exactly, for any text', () => {
    const anything = fc
      .array(fc.oneof(piece, fc.string({ unit: 'binary', maxLength: 12 })), { maxLength: 12 })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(anything, anything, (subject, body) => {
        const requester = { name: 'Ada Lovelace', email: 'ada@acme.example' }
        const first = maskPii(subject, { requester })
        const second = maskPii(body, { requester, placeholders: first.placeholders })
        expect(restorePii(second.text, second.placeholders)).toBe(body)
        expect(restorePii(first.text, second.placeholders)).toBe(subject)
        const tokens = second.placeholders.map(({ token }) => token)
        expect(new Set(tokens).size).toBe(tokens.length)
      }),
      { numRuns: 500 },
    )
  })

  it('leaves no raw value in the masked text', () => {
    const values = fc.constantFrom(
      'jane.doe@acme.example',
      '+49 30 901820',
      '4111 1111 1111 1111',
      'DE89370400440532013000',
      '078-05-1120',
      '192.168.7.44',
      'sk-live-abcdefghijklmnop1234',
      'https://u:p@acme.example/x',
    )
    const words = fc.constantFrom('please', 'help', 'order 99', 'and', 'Why?', 'the app')
    fc.assert(
      fc.property(fc.array(fc.oneof(values, words), { minLength: 1, maxLength: 20 }), (parts) => {
        const { text } = maskPii(parts.join(' , '))
        for (const part of parts) if (/[@+:]|\d{3}/.test(part)) expect(text).not.toContain(part)
      }),
    )
  })
})

describe('maskPii on hostile food', () => {
  it.each(hostileFood)('masks 100 KB of %j within 10 s, and is undone exactly', (_, text) => {
    const before = performance.now()
    const masked = maskPii(text, { requester: { name: 'Ada Harrington', email: 'ada@acme.example' } })
    expect(performance.now() - before).toBeLessThan(10_000)
    expect(restorePii(masked.text, masked.placeholders) === text).toBe(true)
  })
})

it('lone names of people are masked; teams, assistants and colours that are names elsewhere are not', () => {
  expect(maskPii('Please tell Beatrix that order 77120 came.').text).toBe('Please tell [PERSON_1] that order 77120 came.')
  for (const text of ['Amber light', 'Hello Larkspur team, where is my order?', 'Does Alexa work with the Hub 2?'])
    expect(maskPii(text).text).toBe(text)
})

it('products of the tenant that are called like people stay, but never the name of who writes', () => {
  const privacy = TenantPrivacy.parse({ notNames: ['iris'] })
  expect(maskPii('Iris kettle').text).toBe('[PERSON_1] kettle')
  expect(maskPii('Iris kettle', { privacy }).text).toBe('Iris kettle')
  expect(maskPii('My name is Iris Miller. The Iris kettle leaks.', { privacy }).text).not.toContain('Miller')
  expect(maskPii('Iris kettle', { privacy, requester: { name: 'Iris Miller' } }).text).toBe('[PERSON_1] kettle')
})
