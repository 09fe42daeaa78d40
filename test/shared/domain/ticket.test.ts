import { describe, expect, test } from 'vitest'
import { MAX_BODY_CHARACTERS, TicketInput, wellFormed } from '#shared/domain/ticket.ts'

/** Where the first problem is, as the API names it; undefined when there is none. */
const trouble = (input: unknown) => {
  const parsed = TicketInput.safeParse(input)
  if (parsed.success) return undefined
  const [issue] = parsed.error.issues
  return issue!.code === 'unrecognized_keys' ? [...issue!.path, ...issue!.keys].join('.') : issue!.path.join('.')
}
const FULL = {
  subject: 'Return',
  body: 'How long can I return a hub? 你好 👋🏽',
  channel: 'email',
  requester: { id: 'c-1', email: 'ada@example.org', name: 'Ada', tier: 'enterprise' },
  conversationId: 'crm:4711_a.b-c',
  lane: 'interactive',
  callbackUrl: 'https://shop.example/hooks?x=1',
  metadata: { order: 'A-1', items: 3, paid: true, coupon: null },
}

test('a body is enough, and everything that the contract names is taken as it is', () => {
  expect(TicketInput.parse({ body: 'Help' })).toEqual({ body: 'Help' })
  expect(TicketInput.parse(FULL)).toEqual(FULL)
})

describe('the body', () => {
  test(`may hold ${MAX_BODY_CHARACTERS} characters and not one more`, () => {
    expect(trouble({ body: 'x'.repeat(20_000) })).toBeUndefined()
    expect(trouble({ body: 'x'.repeat(20_001) })).toBe('body')
  })
  test.each(['', ' ', '\n\t \r\n', '\u00a0\u3000\u2003', '\ufeff'])('%j is empty', (body) => {
    expect(trouble({ body })).toBe('body')
  })
  test.each([undefined, null, 5, ['x'], { text: 'x' }])('%j is no text', (body) => {
    expect(trouble({ body })).toBe('body')
  })
  test('holds what a database can keep', () => {
    for (const body of ['a\u0000b', 'a\ud800b', 'a\udc00', '\udc00\ud800']) expect(trouble({ body })).toBe('body')
    expect(trouble({ body: 'line\nbreaks\ttabs 😀 \u202e' })).toBeUndefined()
  })
})

test.each([
  ['subject', 'x'.repeat(501)],
  ['subject', 'a\u0000'],
  ['subject', null],
  ['channel', 'fax'],
  ['lane', 'fast'],
  ['conversationId', 'a b'],
  ['conversationId', ''],
  ['conversationId', 'x'.repeat(101)],
  ['conversationId', '../../etc'],
  ['callbackUrl', 'ftp://shop.example'],
  ['callbackUrl', 'javascript:alert(1)'],
  ['callbackUrl', 'shop.example'],
  ['callbackUrl', `https://shop.example/${'x'.repeat(2_000)}`],
  ['requester', 'c-1'],
  ['requester.id', { id: '' }],
  ['requester.id', { id: 'x'.repeat(201) }],
  ['requester.id', { name: 'nobody' }],
  ['requester.name', { id: 'c-1', name: '\ud800' }],
  ['requester.tier', { id: 'c-1', tier: 'gold' }],
  ['requester.role', { id: 'c-1', role: 'admin' }],
  ['metadata', []],
  ['metadata.deep', { deep: { deeper: 1 } }],
  ['metadata.long', { long: 'x'.repeat(1_001) }],
  ['metadata.nul', { nul: '\u0000' }],
  ['metadata', Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 1]))],
  ['tenantId', 'other'],
  ['status', 'answered'],
])('a wrong or unknown field is refused by its name: %s', (path, value) => {
  const field = path.split('.')[0]!
  expect(trouble({ body: 'Help', [field]: value })).toBe(path)
})

test('names within metadata are texts that a database can keep, too', () => {
  for (const key of ['a\u0000', '\ud800', 'x'.repeat(101)])
    expect(trouble({ body: 'Help', metadata: { [key]: 1 } })).toMatch(/^metadata/)
})

test.each([[], 'x', null, 5, undefined])('%j is no ticket', (input) => {
  expect(trouble(input)).toBe('')
})

test('a text is well-formed without NUL and lone surrogates', () => {
  expect(['', 'ä', '😀', '\u0001'].every(wellFormed)).toBe(true)
  expect(['\u0000', '\ud83d', '\ude00', 'x\ude00\ud83d'].some(wellFormed)).toBe(false)
})
