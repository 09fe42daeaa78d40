import { describe, expect, test } from 'vitest'
import type { Embedder } from '#shared/ports/embedder.ts'
import type { DenseIndex } from '#shared/ports/search-index.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'
import { chunkIndexContract, type Leg } from './chunk-index.contract.ts'

/** @param open a connection to one store per test; called twice in a test, both see the same data */
export function denseIndexContract(name: string, embedder: Embedder, open: () => DenseIndex): void {
  const legOf = (index: DenseIndex): Leg => ({
    async replace(tenantId, documentId, chunks, signal) {
      const vectors = await embedder.embed(
        chunks.map(({ text }) => text),
        'document',
        AbortSignal.timeout(30_000),
      )
      await index.replaceDocument(
        tenantId,
        documentId,
        chunks.map((chunk, i) => ({ chunk, vector: vectors[i]! })),
        signal,
      )
    },
    async search(text, filter, limit, signal) {
      const [vector] = await embedder.embed([text], 'query', AbortSignal.timeout(30_000))
      return index.search(vector!, filter, limit, signal)
    },
    deleteDocument: (tenantId, documentId, signal) => index.deleteDocument(tenantId, documentId, signal),
    deleteTenant: (tenantId, signal) => index.deleteTenant(tenantId, signal),
    count: (tenantId, signal) => index.count(tenantId, signal),
    health: (signal) => index.health(signal),
  })

  describe(`dense index: ${name}`, () => {
    chunkIndexContract(() => legOf(open()))

    test('finds exactly the nearest neighbours, with their cosines', async () => {
      const index = open()
      const signal = AbortSignal.timeout(30_000)
      const random = sequence(7)
      const vectors = Array.from({ length: 700 }, () => randomUnit(embedder.dimensions, random))
      for (let from = 0; from < 700; from += 7) {
        const items = vectors.slice(from, from + 7).map((vector, i) => ({
          chunk: sampleChunk({ documentId: `d${from}`, position: i, text: `${from + i}` }),
          vector,
        }))
        await index.replaceDocument('acme', `d${from}`, items, signal)
      }
      for (let repeat = 0; repeat < 20; repeat++) {
        const query = randomUnit(embedder.dimensions, random)
        const exact = vectors.map((vector, at) => ({ at, cosine: dot(query, vector) })).sort((a, b) => b.cosine - a.cosine)
        const hits = await index.search(query, { tenantId: 'acme', audiences: ['public'] }, 10, signal)
        expect(hits.map(({ chunk }) => Number(chunk.text))).toEqual(exact.slice(0, 10).map(({ at }) => at))
        hits.forEach(({ score }, i) => {
          expect(score).toBeCloseTo(exact[i]!.cosine, 5)
        })
      }
    })

    test('refuses a vector of another length', async () => {
      const wrong = new Float32Array(embedder.dimensions + 1)
      const search = open().search(wrong, { tenantId: 'acme', audiences: ['public'] }, 5, AbortSignal.timeout(30_000))
      await expect(search).rejects.toMatchObject({ failure: { kind: 'terminal', code: 'embedder-changed' } })
    })
  })
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

/** A linear congruential generator (Numerical Recipes): the same "random" vectors in every run. */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function randomUnit(dimensions: number, random: () => number): Float32Array {
  const vector = Float32Array.from({ length: dimensions }, () => random() - 0.5)
  const length = Math.sqrt(dot(vector, vector))
  return vector.map((value) => value / length)
}
