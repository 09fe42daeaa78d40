import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FactKind, factsIn } from '#shared/text/facts-in-text.ts'

const values = (text: string, kind?: FactKind) =>
  factsIn(text)
    .filter((fact) => kind === undefined || fact.kind === kind)
    .map((fact) => fact.value)

describe('factsIn', () => {
  it('reads one price however it is written', () => {
    expect(values('$5, US$5.00, 5 dollars and 5 USD', 'price')).toEqual(['5 USD', '5 USD', '5 USD', '5 USD'])
    expect(values('€1,299.50, 1299.5 euros, £0.99 and $1.5 million', 'price')).toEqual([
      '1299.5 EUR',
      '1299.5 EUR',
      '0.99 GBP',
      '1500000 USD',
    ])
    expect(factsIn('$9 per month or €90 a year').map(({ per }) => per)).toEqual(['month', 'year'])
  })

  it('reads one date however it is written, and a date without a year', () => {
    const same = 'March 3, 2025; 3 March 2025; 3rd of March 2025; 2025-03-03; Mar. 3 2025; 03.03.2025'
    expect(new Set(values(same, 'date'))).toEqual(new Set(['2025-03-03']))
    expect(values('in March 2025, on 3 March, until December', 'date').sort()).toEqual(['--03-03', '--12', '2025-03'])
    expect(values('03/04/2025', 'date')).toEqual(['2025-04-03|2025-03-04'])
    expect(values('You may march 5 steps', 'date')).toEqual([])
  })

  it('reads numbers in words and with separators', () => {
    expect(values('three hubs, 3 hubs, 1,000 and one thousand')).toEqual(['3', '3', '1000', '1000'])
    expect(values('twenty-five, two hundred and ten, a dozen')).toEqual(['25', '210', '12'])
    expect(values('this one and no one')).toEqual([])
  })

  it('reads units and durations in every spelling', () => {
    expect(values('5 GB, 5GB, 5 gigabytes, 2.4 GHz, -5 °C')).toEqual(['5 gb', '5 gb', '5 gb', '2.4 ghz', '-5 celsius'])
    expect(values('14 days, two weeks, a 14-day trial', 'duration')).toEqual(['1209600 s', '1209600 s', '1209600 s'])
    expect(values('12 months, one year, 2 business days', 'duration')).toEqual(['12 month', '12 month', '2 working day'])
    expect(values('50 %, 50%, 50 percent', 'percent')).toEqual(['50 %', '50 %', '50 %'])
    expect(values('5 a day, 3 in a box and the 1980s')).toEqual(['5', '3', '1980'])
  })

  it('reads times and opening hours', () => {
    expect(values('10 pm, 22:00, 10:30 a.m., open 24/7', 'time')).toEqual(['22:00', '22:00', '10:30', '24/7'])
    expect(values('This mailbox is watched around the clock, our chat round-the-clock.', 'time')).toEqual(['24/7', '24/7'])
    expect(values('Monday to Friday', 'weekday')).toEqual(['mon', 'fri'])
  })

  it('reads codes and versions as one, with or without hyphen', () => {
    expect(values('LK-204, LK204, 0x80070005, E_404, KB123, ERR_TIMEOUT, 802.11ac, 401(k)', 'code')).toEqual([
      'lk204',
      'lk204',
      '0x80070005',
      'e404',
      'kb123',
      'errtimeout',
      '802.11ac',
      '401k',
    ])
    expect(values('v2.1, version 2.1, firmware 5.6.2', 'version')).toEqual(['2.1', '2.1', '5.6.2'])
    expect(factsIn('a Hub 2')[0]).toMatchObject({ kind: 'number', value: '2', before: 'Hub' })
  })

  it('reads addresses without the punctuation around them', () => {
    expect(values('See (https://www.A.example/x/), [docs](https://a.example/y). Or shop.a.example/z.', 'url')).toEqual([
      'a.example/x',
      'a.example/y',
      'shop.a.example/z',
    ])
    expect(values('Write to Help@A.example.', 'email')).toEqual(['help@a.example'])
    expect(values('Call +49 30 1234567 or (202) 555-0173, not 2019-2024', 'phone')).toEqual(['49301234567', '2025550173'])
  })

  it('reads quoted words, but no apostrophes', () => {
    expect(values('Tap "Add hub", `Retry-After` or “Off at night”; don\'t touch the cat\'s bowl', 'quote')).toEqual([
      'add hub',
      'retry-after',
      'off at night',
    ])
  })

  it('leaves out list numbers, citation marks and placeholders', () => {
    expect(factsIn('1. Write to [EMAIL_1] [2] [3, 4]\n2) Wait. 3. Go.')).toEqual([])
  })

  it('gives exact offsets whatever the text', () => {
    const piece = fc.constantFrom(
      '$5 ',
      '5 GB',
      '3 March',
      ' 2025',
      'LK-2',
      '"a b"',
      '+1 (2',
      '1.2.3',
      'www.',
      'a@b.c',
      ' two ',
      '-',
      ',',
      '\n',
      '\u00a0',
      '€',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ unit: 'grapheme', maxLength: 5 })), { maxLength: 40 }), (parts) => {
        const text = parts.join('')
        for (const fact of factsIn(text)) {
          expect(fact.start).toBeLessThan(fact.end)
          expect(text.slice(fact.start, fact.end)).toContain(fact.raw)
        }
      }),
    )
  })

  it('stays linear on hostile text', () => {
    for (const part of [
      '1',
      '1,',
      '1 ',
      'a@',
      'a.',
      'http://',
      '"',
      'a-',
      '1.',
      'one ',
      "'a ",
      '+1 (',
      'one and ',
      '`a',
      'A_',
      '1-to-',
      '@a.',
      'March ',
    ]) {
      const startedAt = performance.now()
      factsIn(part.repeat(100_000 / part.length))
      expect(performance.now() - startedAt, JSON.stringify(part)).toBeLessThan(5_000)
    }
  })
})
