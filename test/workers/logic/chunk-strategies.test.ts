import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { type ChunkingChoice, ChunkStrategy } from '#shared/domain/chunking.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import { countTokens } from '#shared/text/count-tokens.ts'
import { chunkDocument, chunkWith } from '#workers/logic/chunk-document.ts'
import { DEFAULT_CHUNKING, settleChunking } from '#workers/logic/chunk-sizes.ts'

const embedder = new HashEmbedder()
const embed = (texts: readonly string[]) => embedder.embed(texts, 'document', AbortSignal.timeout(60_000))
const parsed = (text: string, change: Partial<ParsedDocument> = {}): ParsedDocument => ({
  title: 'Manual',
  text,
  structure: 'markdown',
  audience: 'public',
  ...change,
})
const split = (choice: ChunkingChoice, text: string, change: Partial<ParsedDocument> = {}) =>
  chunkWith('doc', 'v1', parsed(text, change), settleChunking(choice), embed)
const sentences = (count: number, word: string) =>
  Array.from({ length: count }, (_, i) => `The ${word} number ${i} is described here in detail.`).join(' ')

test.each(ChunkStrategy.options)(
  '%s makes exact stretches within the limit, whatever the text, and leaves no word out',
  async (strategy) => {
    const piece = fc.constantFrom(
      ...[
        '# Head\n\n',
        '## Sub\n\n',
        'Some words. ',
        'Other matters entirely! ',
        '- item\n',
        '| a | b |\n|---|---|\n| 1 | 2 |\n',
      ],
      ...['```\ncode\n\nmore\n```\n', '\n\n', '🙂é ', 'def f(x):\n  return x\n\n', '\t', '日本語。', 'x'.repeat(900), '}\n'],
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 40 }),
        fc.constantFrom('markdown' as const, 'plain' as const),
        fc.integer({ min: 0, max: 60 }),
        async (pieces, structure, overlapTokens) => {
          const text = pieces.join('')
          const chunks = await split({ strategy, maxTokens: 80, overlapTokens }, text, { structure })
          let covered = 0
          for (const chunk of chunks) {
            expect(chunk.text).toBe(text.slice(chunk.start, chunk.end))
            expect(chunk.text.trim()).not.toBe('')
            expect(chunk.text.isWellFormed()).toBe(true)
            expect(chunk.tokens).toBe(countTokens(chunk.text))
            // Tokens of parts joined may differ by one or two from the tokens of the whole.
            expect(chunk.tokens).toBeLessThanOrEqual(84)
            if (strategy === 'fixed' || strategy === 'recursive')
              expect(text.slice(Math.min(covered, chunk.start), chunk.start).trim()).toBe('')
            covered = Math.max(covered, chunk.end)
          }
          if (strategy === 'fixed' || strategy === 'recursive') expect(text.slice(covered).trim()).toBe('')
        },
      ),
      { numRuns: 100 },
    )
  },
)

describe('sizes', () => {
  const prose = Array.from({ length: 60 }, (_, i) => sentences(6, `part${i}`)).join('\n\n')
  test.each([
    ['faq', 150, 300],
    ['technical', 400, 800],
    ['legal', 800, 1_500],
  ] as const)('%s fills prose without headings to %i to %i tokens', async (preset, least, most) => {
    for (const strategy of ['structure', 'recursive', 'fixed'] as const) {
      const made = (await split({ strategy, preset, overlapTokens: 0 }, prose)).slice(0, -1)
      expect(made.length).toBeGreaterThan(1)
      for (const { tokens } of made) {
        expect(tokens).toBeGreaterThanOrEqual(least)
        expect(tokens).toBeLessThanOrEqual(most)
      }
    }
  })

  test('come from the document, else from the tenant, else from the default', () => {
    expect(settleChunking(undefined, {})).toEqual(DEFAULT_CHUNKING)
    const settled = settleChunking({ preset: 'faq' }, { preset: 'legal', strategy: 'recursive', overlapTokens: 5_000 })
    expect(settled).toMatchObject({ strategy: 'recursive', sizes: { max: 300 }, overlapTokens: 150 })
  })

  test('other settings are another version, so that two cuts of one text are never served together', async () => {
    const [a] = chunkDocument('doc', 'v1', parsed('Some words.'))
    const [b] = await split({ preset: 'faq' }, 'Some words.')
    expect(a!.version).toBe('v1')
    expect(b!.version).not.toBe('v1')
    expect(b!.id).not.toBe(a!.id)
  })
})

test('overlap repeats whole sentences of the chunk before, and stops at headings', async () => {
  const made = await split(
    { maxTokens: 100, overlapTokens: 30 },
    `${sentences(30, 'hub')}\n\n## Lamps\n\n${sentences(30, 'lamp')}`,
  )
  const lamps = made.findIndex(({ section }) => section[0] === 'Lamps')
  expect(lamps).toBeGreaterThan(1)
  expect(made[1]!.start).toBeLessThan(made[0]!.end)
  expect(made[1]!.text).toMatch(/^The hub number \d+ is/)
  expect(made[lamps]!.start).toBeGreaterThan(made[lamps - 1]!.end)
})

test('semantic cuts where the subject changes', async () => {
  const about = (words: string[]) =>
    words.map((word) => `The refund of the ${word} is paid to the card of the refund account.`).join(' ')
  const other = (words: string[]) =>
    words.map((word) => `Press the hub button until the ${word} light of the hub blinks.`).join(' ')
  const text = `${about(['lamp', 'cable', 'case', 'stand', 'plug', 'box'])} ${other(['red', 'green', 'blue', 'white', 'amber', 'pink'])}`
  const made = await split({ strategy: 'semantic', maxTokens: 300 }, text, { structure: 'plain' })
  const border = text.indexOf('Press the hub')
  expect(made.length).toBeGreaterThan(1)
  expect(made.some(({ start }) => Math.abs(start - border) < 80)).toBe(true)
})

describe('code', () => {
  const file = `import os

# Adds two numbers.
def add(a, b):
    return a + b


@cached
def slow(x):
    for i in range(10):
        x += i

    return x


class Hub:
    def press(self):
        pass
`
  test('keeps definitions whole, with their comments and decorators, and names them', async () => {
    const made = await split({ strategy: 'code', maxTokens: 50 }, `${file}\n${file.replaceAll('add', 'sum')}`, {
      structure: 'plain',
    })
    for (const part of [
      '# Adds two numbers.\ndef add(a, b):\n    return a + b',
      '@cached\ndef slow(x):',
      'class Hub:\n    def press(self):\n        pass',
    ])
      expect(made.filter(({ text }) => text.includes(part)).length).toBeGreaterThan(0)
    expect(made.flatMap(({ section }) => section).join('\n')).toMatch(/def |class |import os/)
  })

  test('in Markdown a long program is cut between its functions', async () => {
    const functions = Array.from({ length: 40 }, (_, i) => `function step${i}() {\n  run(${i})\n\n  return ${i}\n}`)
    const made = await split({ maxTokens: 200 }, `\`\`\`js\n${functions.join('\n\n')}\n\`\`\``)
    expect(made.length).toBeGreaterThan(2)
    for (const { text } of made.slice(1)) expect(text).toMatch(/^function step/)
  })
})

test('chunks of a document with pages say on which they begin', () => {
  const page = (word: string) => sentences(30, word)
  const text = `${page('hub')}\n\n${page('lamp')}\n\n${page('cable')}`
  const pageStarts = [0, text.indexOf('The lamp'), text.indexOf('The cable')]
  const made = chunkDocument('doc', 'v1', parsed(text, { pageStarts, structure: 'plain' }), settleChunking({ maxTokens: 350 }))
  expect(made.map(({ page, text: stretch }) => [page, stretch.slice(0, 8)])).toEqual([
    [1, 'The hub '],
    [2, 'The lamp'],
    [3, 'The cabl'],
  ])
})

test('10,000 headings and a line of five million characters are split in seconds', async () => {
  const startedAt = performance.now()
  const headings = await split({}, Array.from({ length: 10_000 }, (_, i) => `## Heading ${i}\n\nWords of ${i}.`).join('\n\n'))
  expect(headings.length).toBeGreaterThan(100)
  const words = await split({}, 'word and another '.repeat(300_000), { structure: 'plain' })
  const solid = await split({}, 'x'.repeat(5_000_000))
  for (const made of [words, solid]) expect(Math.max(...made.map(({ tokens }) => tokens))).toBeLessThanOrEqual(800)
  expect(performance.now() - startedAt).toBeLessThan(60_000)
}, 90_000)
