import { describe, expect, it } from 'vitest'
import type { Passage } from '#shared/domain/passage.ts'
import { checkClaim } from '#workers/logic/check-claim.ts'

const passage = (n: number, text: string, more: Partial<Passage> = {}): Passage => ({
  n,
  chunkId: `c${n}`,
  documentId: `d${n}`,
  title: 'Refunds',
  section: [],
  text,
  start: 0,
  end: text.length,
  scores: { fused: 1 },
  ...more,
})
const refunds = passage(
  1,
  'You can return a product within 14 days of delivery. The return label costs $9.00, and we deduct it from the refund.\n\nA refund to a credit card takes 5 to 10 business days. Opened software is not refunded.',
  { url: 'https://help.example/refunds' },
)
const prices = passage(2, '| Plan | Monthly | Devices |\n|---|---|---|\n| Plus | $5 | 50 |\n| Pro | $12 | 200 |', {
  title: 'Plans and prices',
})
const lights = passage(
  3,
  'Blinking amber means that the hub has no internet. Error LK-204 means that the code is wrong; tap "Scan again".',
  {
    title: 'The light on the Hub 2',
  },
)
const all = [refunds, prices, lights]
const check = (text: string, citations: number[], question = '') => checkClaim({ text, citations }, all, question)

describe('checkClaim', () => {
  it('supports a sentence of its source word for word, with the exact stretch as evidence', () => {
    const claim = check('You can return a product within 14 days of delivery.', [1])
    expect(claim).toMatchObject({ supported: true, score: 1, reason: '', kind: 'claim', citations: [1] })
    expect(refunds.text.slice(claim.evidence!.start, claim.evidence!.end)).toBe(claim.evidence!.text)
  })

  it('supports a faithful rewording, also when units and numbers are written another way', () => {
    for (const text of [
      'Products can be returned for two weeks after delivery.',
      'The label costs 9 dollars, deducted from your refund.',
    ]) {
      expect(check(text, [1])).toMatchObject({ supported: true, reason: '' })
    }
    expect(check('The Plus plan costs $5 a month for up to 50 devices.', [2])).toMatchObject({ supported: true })
  })

  it('names what the passage says instead of a wrong number', () => {
    expect(check('You can return a product within 30 days of delivery.', [1]).reason).toContain(
      'says "30 days", passage 1 says "14 days"',
    )
    expect(check('The return label costs $19.00.', [1]).reason).toContain('says "$19.00", passage 1 says "$9.00"')
    expect(check('Error LK-205 means that the code is wrong.', [3]).reason).toContain('says "LK-205", passage 3 says "LK-204"')
  })

  it('refuses a number that the passage holds in another place', () => {
    const claim = check('You can return a product within 10 days of delivery.', [1])
    expect(claim.supported).toBe(false)
    expect(claim.reason).toContain('14 days')
  })

  it('refuses a name with a number that the passage gives to nobody', () => {
    expect(check('Blinking amber on the Hub 3 means that the hub has no internet.', [3])).toMatchObject({
      supported: false,
      reason: expect.stringContaining('Hub 2'),
    })
  })

  it('refuses a negation that was dropped or added, and a word turned round', () => {
    expect(check('Opened software is refunded.', [1]).supported).toBe(false)
    expect(check('You cannot return a product within 14 days of delivery.', [1]).supported).toBe(false)
    expect(check('Blinking amber means that the hub has internet.', [3]).supported).toBe(false)
    const free = passage(1, 'Reports are sent before the invoice is issued to the customer.')
    expect(
      checkClaim({ text: 'Reports are sent after the invoice is issued to the customer.', citations: [1] }, [free], '').reason,
    ).toContain('"after"')
  })

  it('refuses addresses, codes and quoted words that no cited passage holds', () => {
    for (const text of [
      'You can return a product at https://evil.example/refunds within 14 days of delivery.',
      'To return a product, write to refunds@help.example within 14 days.',
      'Error LK-204 means that the code is wrong; tap "Ignore".',
    ]) {
      expect(check(text, [1, 2, 3]), text).toMatchObject({ supported: false })
    }
    expect(check('You can return a product as shown at https://help.example/refunds.', [1])).toMatchObject({ supported: true })
  })

  it('lets a claim repeat the code that the customer named, but no other number of the question', () => {
    expect(check('Error E-77 and LK-204 mean that the code is wrong.', [3], 'I see E-77').supported).toBe(true)
    expect(check('You can return a product within 60 days of delivery.', [1], 'Can I return it within 60 days?').supported).toBe(
      false,
    )
  })

  it('refuses citations that do not resolve, and claims without any', () => {
    expect(check('You can return a product within 14 days of delivery.', [1, 9])).toMatchObject({
      supported: false,
      citations: [1],
      reason: expect.stringContaining('9'),
    })
    expect(check('You can return a product within 14 days of delivery.', [])).toMatchObject({ supported: false, kind: 'claim' })
    expect(check('You can return a product within 14 days of delivery.', [2]).supported).toBe(false)
  })

  it('lets courtesies stand without a source, and nothing that claims or promises', () => {
    for (const text of [
      'Hello [NAME_1],',
      'Thank you for your message!',
      'I am sorry for the trouble.',
      'If you need more help, our support team is happy to help.',
    ]) {
      expect(check(text, []), text).toMatchObject({ supported: true, kind: 'courtesy', citations: [] })
    }
    for (const text of [
      'We are happy to refund you.',
      'Please contact us at a@b.example.',
      'Our team will call you.',
      'We can not help you.',
      'Thank you, you get 5 hubs.',
    ]) {
      expect(check(text, []), text).toMatchObject({ supported: false, kind: 'claim' })
    }
  })

  it('does not let a true sentence carry an invented one', () => {
    const claim = check(
      'You can return a product within 14 days of delivery. Astronauts receive complimentary lifetime upgrades everywhere.',
      [1],
    )
    expect(claim).toMatchObject({ supported: false, reason: expect.stringContaining('Astronauts') })
  })

  it('scores what the source does not speak of near 0', () => {
    expect(check('Penguins migrate through Antarctica in winter.', [1])).toMatchObject({ supported: false, score: 0 })
  })

  it('accepts a table row as the extractive model renders it', () => {
    expect(check('Plan: Plus; Monthly: $5; Devices: 50', [2])).toMatchObject({
      supported: true,
      score: 1,
      evidence: { text: 'Plus | $5 | 50' },
    })
    expect(check('Plan: Plus; Monthly: $12; Devices: 50', [2])).toMatchObject({ supported: false })
  })

  it('ignores markers that the model wrote into the sentence', () => {
    expect(check('You can return a product within 14 days of delivery [1].', [1])).toMatchObject({ supported: true })
  })

  it('never throws on odd input', () => {
    for (const text of ['', ' ', '.', '[1]', '|', '😀', '\u0000', '1. ', '"'.repeat(500)])
      expect(() => check(text, [1])).not.toThrow()
    expect(checkClaim({ text: 'x', citations: [1] }, [passage(1, '')], '')).toMatchObject({ supported: false })
  })
})
