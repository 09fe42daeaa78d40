import { describe, expect, it } from 'vitest'
import { phones } from '#workers/logic/pii-phones.ts'

const found = (text: string) => [...phones(text)].map(({ start, end }) => text.slice(start, end))

describe('phones', () => {
  it.each([
    ['+49 30 901820 please', '+49 30 901820'],
    ['reach us at 0044 20 7946 0958', '0044 20 7946 0958'],
    ['call me on 9472 7916?', '9472 7916'],
    ['Phone:\n60-56-85-91', '60-56-85-91'],
    ['meine Handynummer: 0151 23456789', '0151 23456789'],
    ['(415) 555-2671 is mine', '(415) 555-2671'],
    ['01.84.17.61.18', '01.84.17.61.18'],
    ['my mobile number is 9999999999', '9999999999'],
  ])('finds in %j: %j', (text, expected) => {
    expect(found(text)).toEqual([expected])
  })

  it.each([
    'order 415-555-2671',
    'order number is 4155552671',
    '4155552671',
    'on 2024-05-06 12:33',
    '06.05.2024 10',
    '$ 415 555 2671',
    '1.299.000',
    '415 555 2671 EUR',
    'tracking: 00340434161094042557',
    'I paid 1000000 for it',
    '+00 00 000 000',
    'label 12345678',
  ])('finds nothing in %j', (text) => {
    expect(found(text)).toEqual([])
  })
})
