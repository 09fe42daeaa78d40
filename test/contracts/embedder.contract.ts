import { describe, expect, test } from 'vitest'
import type { Embedder } from '#shared/ports/embedder.ts'

const signal = () => AbortSignal.timeout(30_000)
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

export function embedderContract(name: string, embedder: Embedder): void {
  describe(`embedder: ${name}`, () => {
    test('gives one unit vector per text, in order, and the same for the same text', async () => {
      const texts = ['The hub blinks amber', 'Invoices are sent monthly', 'The hub blinks amber']
      const vectors = await embedder.embed(texts, 'document', signal())
      expect(vectors.map((vector) => vector.length)).toEqual([embedder.dimensions, embedder.dimensions, embedder.dimensions])
      for (const vector of vectors) expect(dot(vector, vector)).toBeCloseTo(1, 4)
      expect(vectors[0]).toEqual(vectors[2])
      expect(vectors[0]).not.toEqual(vectors[1])
    })

    test('puts a question nearer to the text that answers it', async () => {
      const [question] = await embedder.embed(['Why is my hub blinking amber?'], 'query', signal())
      const [light, bill] = await embedder.embed(
        ['When the hub blinks amber it has lost Wi-Fi.', 'Your bill is due on the first.'],
        'document',
        signal(),
      )
      expect(dot(question!, light!)).toBeGreaterThan(dot(question!, bill!) + 0.1)
    })

    test('takes no texts, odd texts and long texts', async () => {
      expect(await embedder.embed([], 'document', signal())).toEqual([])
      const odd = await embedder.embed(['🙂', '東京 タワー', 'a'.repeat(100_000), 'word '.repeat(20_000)], 'document', signal())
      for (const vector of odd) expect(vector.every(Number.isFinite)).toBe(true)
    })

    test('has a name that tells its settings apart', () => {
      expect(embedder.id).toMatch(/\S/)
      expect(embedder.dimensions).toBeGreaterThan(0)
    })
  })
}
