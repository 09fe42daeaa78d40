import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'

const folder = mkdtempSync(join(tmpdir(), 'count-words-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a word that every knowledge uses is common, one that is the subject of a single one is not, and what is rare is not listed', () => {
  const fileOf = (name: string, textOf: (i: number) => string) => {
    const lines = Array.from({ length: 400 }, (_, i) => JSON.stringify({ id: `${name}-${i}`, text: textOf(i) }))
    writeFileSync(join(folder, name), lines.join('\n'))
    return join(folder, name)
  }
  const files = [
    fileOf('a', (i) => `follow the marmalade recipe ${i === 7 ? 'quince' : ''}`),
    fileOf('b', (i) => `follow ${i % 2 ? 'the lantern' : 'it'}`),
  ]
  const printed = execFileSync(process.execPath, ['cli/eval/count-words.ts', ...files], { encoding: 'utf8' })
  const shares = new Map(
    printed.split('\n').flatMap((line) => {
      const [share, ...stems] = line.split(' ')
      return stems.map((stem) => [stem, Number(share)] as const)
    }),
  )
  expect(shares.get('follow')).toBeLessThan(0.01)
  expect(shares.get('marmalad')).toBeCloseTo(0.5, 1)
  expect(shares.get('lantern')).toBeGreaterThan(shares.get('marmalad')!)
  expect(shares.has('quinc')).toBe(false)
})

test('of two passages that share one word with a question, the one with the rarer word is nearer', async () => {
  const embed = async (text: string) => (await new HashEmbedder().embed([text], 'document', AbortSignal.timeout(30_000)))[0]!
  const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
  const question = await embed('information quince')
  expect(cosine(question, await embed('quince lantern'))).toBeGreaterThan(
    1.3 * cosine(question, await embed('information lantern')),
  )
})
