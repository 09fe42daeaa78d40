import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readableRow, splitSentences } from '#shared/text/sentences.ts'

const texts = (text: string) => splitSentences(text).map((unit) => unit.text)

describe('splitSentences', () => {
  it('ends sentences at stops, not at abbreviations, decimals, versions, addresses or initials', () => {
    expect(
      texts(
        'Pay $5.50 to J. Doe at Acme Inc. by 3 p.m. today. Use v2.1, e.g. from https://a.example/x.y. Ask a@b.example! Really?',
      ),
    ).toEqual([
      'Pay $5.50 to J. Doe at Acme Inc. by 3 p.m. today.',
      'Use v2.1, e.g. from https://a.example/x.y.',
      'Ask a@b.example!',
      'Really?',
    ])
  })

  it('keeps closing quotes and brackets with their sentence, and reads wide stops', () => {
    expect(texts('He said "stop." Then (he left.) Fine.')).toEqual(['He said "stop."', 'Then (he left.)', 'Fine.'])
    expect(texts('電源を切ります。待ちます。')).toEqual(['電源を切ります。', '待ちます。'])
  })

  it('takes a wrapped line as one sentence and a broken line as two', () => {
    expect(texts('The hub restarts by itself after an update and is back within\na minute.')).toHaveLength(1)
    expect(texts('Larkspur GmbH\nHauptstrasse 5\nBerlin')).toEqual(['Larkspur GmbH', 'Hauptstrasse 5', 'Berlin'])
  })

  it('gives headings with what stands below them and never as a unit', () => {
    const units = splitSentences('# Hub\n\nIt is round.\n\n## Light\n\nIt blinks.\n\n# Plug\n\nIt clicks.')
    expect(units.map(({ text, headings }) => [text, ...headings])).toEqual([
      ['It is round.', 'Hub'],
      ['It blinks.', 'Hub', 'Light'],
      ['It clicks.', 'Plug'],
    ])
  })

  it('makes each list item a unit with its number, continuation lines included', () => {
    const units = splitSentences('Steps:\n\n1. Open the app.\n   It may take a while.\n2. Tap **Add**.\n\n- no number')
    expect(units.map(({ kind, text, ordinal }) => [kind, text, ordinal])).toEqual([
      ['sentence', 'Steps:', undefined],
      ['item', 'Open the app.\n   It may take a while.', 1],
      ['item', 'Tap **Add**.', 2],
      ['item', 'no number', undefined],
    ])
  })

  it('splits steps that are written into one line before their numbers', () => {
    expect(texts('Follow these steps: 1. Open the app. 2. Tap Add.')).toEqual([
      'Follow these steps:',
      '1. Open the app.',
      '2. Tap Add.',
    ])
  })

  it('makes each table row a unit that can be read without its table', () => {
    const [row] = splitSentences('| Plan | Price |\n|---|---|\n| Plus | $9 |')
    expect(row).toMatchObject({ kind: 'row', text: 'Plus | $9' })
    expect(readableRow(row!.cells!)).toBe('Plan: Plus; Price: $9')
    const [compared] = splitSentences('| | Hub 1 | Hub 2 |\n|---|---|---|\n| Ethernet | no | yes |')
    expect(readableRow(compared!.cells!)).toBe('Ethernet – Hub 1: no; Hub 2: yes')
  })

  it('reads rows whose header was cut off, and keeps a code block whole', () => {
    expect(splitSentences('| Plus | $9 |\n| Pro | $19 |').map(({ kind, text }) => [kind, text])).toEqual([
      ['row', 'Plus | $9'],
      ['row', 'Pro | $19'],
    ])
    expect(texts('Run this.\n\n```sh\nls. -a\n\ncat\n```\n\nDone.')).toEqual(['Run this.', '```sh\nls. -a\n\ncat\n```', 'Done.'])
  })

  it('gives exact offsets, in order, without overlap, at most 600 characters outside code, whatever the text', () => {
    const markup = fc.constantFrom(
      '. ',
      '? ',
      '\n',
      '\n\n',
      '# ',
      '- ',
      '1. ',
      '| a | b |\n',
      '|---|---|\n',
      '"',
      ' word',
      'Wort',
      '…',
      '。',
      '😀',
      '5.5',
      'e.g. ',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(markup, fc.string({ unit: 'grapheme' })), { maxLength: 60 }), (parts) => {
        const text = parts.join('')
        let last = 0
        for (const unit of splitSentences(text)) {
          expect(text.slice(unit.start, unit.end)).toBe(unit.text)
          expect(unit.start).toBeGreaterThanOrEqual(last)
          expect(unit.text.trim()).toBe(unit.text)
          last = unit.end
        }
      }),
    )
    expect(splitSentences('word '.repeat(2_000)).every(({ text }) => text.length <= 600)).toBe(true)
  })

  it('stays linear on hostile text', () => {
    const hostile = ['a.', '. ', '| ', '# ', '- ', '"', '*', ' ', '1. ', 'a\n', '|-', '...”']
    for (const part of hostile) {
      const startedAt = performance.now()
      splitSentences(part.repeat(200_000 / part.length))
      splitSentences(`x\n${part.repeat(200_000 / part.length)}x`)
      expect(performance.now() - startedAt, JSON.stringify(part)).toBeLessThan(5_000)
    }
  })
})
