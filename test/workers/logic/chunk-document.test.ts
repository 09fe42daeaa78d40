import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import { countTokens } from '#shared/text/count-tokens.ts'
import { chunkDocument, embeddingText } from '#workers/logic/chunk-document.ts'
import { TECHNICAL } from '#workers/logic/chunk-sizes.ts'

const parsed = (text: string, change: Partial<ParsedDocument> = {}): ParsedDocument => ({
  title: 'Manual',
  text,
  structure: 'markdown',
  audience: 'public',
  ...change,
})
const chunks = (text: string, change: Partial<ParsedDocument> = {}) =>
  chunkDocument('doc', 'hash-of-this-version', parsed(text, change))
const sentences = (count: number, word: string) =>
  Array.from({ length: count }, (_, i) => `The ${word} number ${i} is described here in detail.`).join(' ')

describe('chunkDocument', () => {
  test('makes exact stretches of the text, in order, whatever the text', () => {
    const piece = fc.constantFrom(
      '# Head\n\n',
      '## Sub *b*\n\n',
      'Some words. ',
      '- item\n',
      '| a | b |\n|---|---|\n| 1 | 2 |\n',
      '```\ncode\n\nmore\n```\n',
      '\n\n',
      '> quote\n',
      '🙂é ',
      '[x](y) ',
      '\t',
      '***',
      '<b>',
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 60 }),
        fc.constantFrom('markdown' as const, 'plain' as const),
        (pieces, structure) => {
          const text = pieces.join('')
          let end = 0
          for (const chunk of chunks(text, { structure })) {
            expect(chunk.text).toBe(text.slice(chunk.start, chunk.end))
            expect(chunk.text.trim()).not.toBe('')
            expect(chunk.start).toBeGreaterThanOrEqual(end)
            expect(chunk.tokens).toBe(countTokens(chunk.text))
            end = chunk.end
          }
        },
      ),
    )
  })

  test('gives each section its own chunk with the headings above it', () => {
    const made = chunks(
      `# Manual\n\n${sentences(20, 'hub')}\n\n## Lights\n\n${sentences(20, 'light')}\n\n### Amber\n\n${sentences(20, 'amber')}\n\n## Ports\n\n${sentences(20, 'port')}`,
    )
    expect(made.map(({ section }) => section)).toEqual([[], ['Lights'], ['Lights', 'Amber'], ['Ports']])
    expect(made[1]!.text).not.toContain('#')
    expect(embeddingText(made[2]!)).toMatch(/^Manual\nLights > Amber\nThe amber number 0/)
  })

  test('joins sections that are too small to stand alone', () => {
    const made = chunks('## One\n\nShort.\n\n## Two\n\nAlso short.\n\n## Three\n\nShort again.')
    expect(made).toHaveLength(1)
    expect(made[0]!.text).toContain('## Three')
  })

  test('keeps tables, lists and code whole', () => {
    const table = `| code | meaning |\n|---|---|\n${Array.from({ length: 25 }, (_, i) => `| LK-${i} | something is wrong |`).join('\n')}`
    const code = `\`\`\`sh\n${Array.from({ length: 25 }, (_, i) => `run --step ${i}`).join('\n')}\n\`\`\``
    const list = Array.from({ length: 25 }, (_, i) => `${i + 1}. Press the button ${i} times.`).join('\n')
    const made = chunks([sentences(30, 'hub'), table, sentences(30, 'cable'), code, sentences(30, 'lamp'), list].join('\n\n'))
    expect(made.length).toBeGreaterThan(2)
    for (const block of [table, code, list]) expect(made.filter(({ text }) => text.includes(block))).toHaveLength(1)
  })

  test('cuts what is longer than a chunk may be, between rows, lines or sentences', () => {
    const table = `| code | meaning |\n|---|---|\n${Array.from({ length: 200 }, (_, i) => `| LK-${i} | something is wrong |`).join('\n')}`
    const made = [
      ...chunks(table),
      ...chunks(sentences(300, 'hub')),
      ...chunks('word '.repeat(5_000)),
      ...chunks('ä'.repeat(50_000)),
    ]
    expect(Math.max(...made.map(({ tokens }) => tokens))).toBeLessThanOrEqual(TECHNICAL.max)
    for (const { text } of chunks(table).slice(1)) expect(text).toMatch(/^\| LK-\d+ \| something is wrong \|/)
    for (const { text } of chunks(sentences(300, 'hub'))) expect(text).toMatch(/^The hub .*detail\.$/)
    expect(chunks('😀'.repeat(20_000)).every(({ text }) => text.isWellFormed())).toBe(true)
  })

  test('makes the same chunks again, with ids that name document, version and position', () => {
    const text = `${sentences(100, 'hub')}\n\n${sentences(100, 'light')}`
    expect(chunks(text)).toEqual(chunks(text))
    expect(chunks(text)[0]!.id).toBe('doc:hash-of-this:0')
  })

  test('hostile Markdown ends soon', () => {
    const began = performance.now()
    const hostile = [
      '> '.repeat(200_000),
      '['.repeat(290_000),
      '*a **a '.repeat(40_000),
      '- '.repeat(140_000),
      '| a '.repeat(70_000),
      '# h\n\nx\n\n'.repeat(10_000),
      '\n'.repeat(290_000),
      `${Array.from({ length: 400 }, (_, i) => `${'  '.repeat(i)}- a`).join('\n')}`,
    ]
    for (const text of hostile) chunks(text)
    expect(performance.now() - began).toBeLessThan(40_000)
  }, 60_000)
})
