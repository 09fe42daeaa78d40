import { describe, expect, it } from 'vitest'
import { maskPii } from '#workers/logic/mask-pii.ts'
import { ibanIsValid, luhnIsValid } from '#workers/logic/pii-patterns.ts'

const found = (text: string) => maskPii(text).placeholders.map(({ type, value }) => `${type} ${value}`)

describe('the patterns for personal data', () => {
  it.each([
    ['write to Jörg.Müller+shop@mail.acme.example.', ['EMAIL Jörg.Müller+shop@mail.acme.example']],
    ["is it 'bob@x.io' or <amy@y.org>?", ['EMAIL bob@x.io', 'EMAIL amy@y.org']],
    ['jane (at) acme (dot) example', ['EMAIL jane (at) acme (dot) example']],
    ['pay to GB59 IFUE 4022 6315 4991 37 please', ['IBAN GB59 IFUE 4022 6315 4991 37']],
    ['my iban is gb59ifue40226315499137', ['IBAN gb59ifue40226315499137']],
    ['4111-1111-1111-1111 exp 12/27', ['CARD 4111-1111-1111-1111']],
    ['2 cards: 378282246310005', ['CARD 378282246310005']],
    ['my card 4242 4242 4242 4242, 12/27', ['CARD 4242 4242 4242 4242']],
    ['card # 4111111111111111', ['CARD 4111111111111111']],
    ['SSN 078051120', ['SSN 078051120']],
    ['it is 078-05-1120', ['SSN 078-05-1120']],
    ['from 203.0.113.7 and 2001:db8::ff00:42:8329', ['IP 203.0.113.7', 'IP 2001:db8::ff00:42:8329']],
    ['adapter 00:1B:44:11:3A:B7', ['MAC 00:1B:44:11:3A:B7']],
    ['see https://acme.example/reset?token=abc123.', ['URL https://acme.example/reset?token=abc123']],
    ['db postgres://app:pw@db.acme.example/x', ['URL postgres://app:pw@db.acme.example/x']],
  ])('finds in %j: %j', (text, expected) => {
    expect(found(text)).toEqual(expected)
  })

  it.each([
    'me@home',
    'DE00 3704 0044 0532 0130 00',
    'order 4111111111111111',
    '4111111111111112',
    '000-12-3456',
    'version 1.2.3.4',
    '999.1.1.1',
    'at 12:30:45',
    'https://acme.example/help/reset-password?lang=de',
  ])('finds nothing in %j', (text) => {
    expect(found(text)).toEqual([])
  })

  it('knows valid checksums', () => {
    expect(luhnIsValid('79927398713')).toBe(true)
    expect(luhnIsValid('79927398710')).toBe(false)
    expect(ibanIsValid('DE89370400440532013000')).toBe(true)
    expect(ibanIsValid('DE88370400440532013000')).toBe(false)
  })
})
