import { describe, expect, test } from 'vitest'
import { createCachedEmbedder } from '#shared/adapters/models/embedder.cached.ts'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { modelAndDimensions, prefixed, profileOf, unitLength } from '#shared/adapters/models/embedding-models.ts'
import { embedderContract } from '#test/contracts/embedder.contract.ts'

test.each([
  ['text-embedding-3-small', '', '', true],
  ['intfloat/multilingual-e5-small', 'query: ', 'passage: ', false],
  ['nomic-ai/nomic-embed-text-v1.5', 'search_query: ', 'search_document: ', true],
  ['google/embeddinggemma-300m', 'task: search result | query: ', 'title: none | text: ', true],
  ['BAAI/bge-small-en-v1.5', 'Represent this sentence for searching relevant passages: ', '', false],
  ['all-MiniLM-L6-v2', '', '', false],
])('%s gets its texts as its card says', (model, query, document, matryoshka) => {
  const profile = profileOf(model)
  expect(prefixed(['x'], 'query', profile)).toEqual([`${query}x`])
  expect(prefixed(['x'], 'document', profile)).toEqual([`${document}x`])
  expect(prefixed(['how much?\nhow much?\nIt is a hub.'], 'query', profile)).toEqual([`${query}how much?\nIt is a hub.`])
  expect(prefixed(['1\n1'], 'document', profile)).toEqual([`${document}1\n1`])
  expect(profile.matryoshka).toBe(matryoshka)
})

test('a shortened vector is of unit length again', () => {
  const vector = unitLength([3, 4, 12], 2)
  expect([...vector]).toEqual([expect.closeTo(0.6, 5), expect.closeTo(0.8, 5)])
  expect([...unitLength([0, 0])]).toEqual([0, 0])
})

test('a name says how many dimensions, or they are known', () => {
  expect(modelAndDimensions('text-embedding-3-large')).toEqual({ model: 'text-embedding-3-large', dimensions: 3_072 })
  expect(modelAndDimensions('a/b@512')).toEqual({ model: 'a/b', dimensions: 512 })
  expect(modelAndDimensions('other')).toEqual({ model: 'other', dimensions: undefined })
})

embedderContract('cached', createCachedEmbedder(new HashEmbedder()))

describe('the cache of queries', () => {
  const counting = () => {
    const asked: string[][] = []
    const inner = new HashEmbedder(16)
    return {
      asked,
      embedder: createCachedEmbedder({
        id: inner.id,
        dimensions: 16,
        embed: (texts, kind, signal) => {
          asked.push([...texts])
          return inner.embed(texts, kind, signal)
        },
      }),
    }
  }
  const signal = AbortSignal.timeout(30_000)

  test('asks for each query once, and for documents every time', async () => {
    const { asked, embedder } = counting()
    const [first] = await embedder.embed(['a b', 'c d', 'a b'], 'query', signal)
    const again = await embedder.embed(['c d', 'e f', 'a b'], 'query', signal)
    expect(asked).toEqual([['a b', 'c d'], ['e f']])
    expect(again[2]).toEqual(first)
    for (let i = 0; i < 2; i++) await embedder.embed(['a b'], 'document', signal)
    expect(asked).toHaveLength(4)
  })

  test('whoever changes a vector changes only their own', async () => {
    const { embedder } = counting()
    const [mine] = await embedder.embed(['a b'], 'query', signal)
    mine!.fill(9)
    expect((await embedder.embed(['a b'], 'query', signal))[0]).not.toEqual(mine)
  })

  test('keeps nothing of a failed call', async () => {
    let fail = true
    const embedder = createCachedEmbedder({
      id: 'x',
      dimensions: 1,
      embed: async () => {
        if (fail) throw new Error('away')
        return [Float32Array.of(1)]
      },
    })
    await expect(embedder.embed(['q'], 'query', signal)).rejects.toThrow('away')
    fail = false
    expect(await embedder.embed(['q'], 'query', signal)).toEqual([Float32Array.of(1)])
  })
})
