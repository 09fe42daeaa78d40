import { expect, test } from 'vitest'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import { chunkDocument, chunkWith } from '#workers/logic/chunk-document.ts'
import { settleChunking } from '#workers/logic/chunk-sizes.ts'
import { atOnce, inSlices } from '#workers/logic/in-slices.ts'

const sentence = 'The hub blinks amber when it has lost the network and waits for the router. '
const parsed = (text: string): ParsedDocument => ({ title: 'Hub', text, structure: 'plain', audience: 'public' })
const noEmbedder = async () => []

/** Counts the turns that the event loop takes while something is under way. */
async function turnsDuring<T>(work: Promise<T>): Promise<{ result: T; turns: number }> {
  let turns = 0
  let under = true
  const count = () => {
    turns++
    if (under) setImmediate(count)
  }
  setImmediate(count)
  const result = await work.finally(() => {
    under = false
  })
  return { result, turns }
}

test('a long text of paragraphs or of one line is split in many turns, and into the same chunks as at once', async () => {
  for (const text of [`${sentence.repeat(6)}\n\n`.repeat(300), sentence.repeat(1_500)]) {
    for (const strategy of ['structure', 'recursive', 'fixed', 'code'] as const) {
      const chunking = settleChunking({ strategy })
      const { result, turns } = await turnsDuring(chunkWith('doc', 'v1', parsed(text), chunking, noEmbedder))
      expect(turns, strategy).toBeGreaterThan(3)
      expect(result).toEqual(chunkDocument('doc', 'v1', parsed(text), chunking))
    }
  }
})

test('a caller that gives up stops the work at its next pause', async () => {
  const stop = new AbortController()
  const work = chunkWith('doc', 'v1', parsed(sentence.repeat(4_000)), settleChunking(), noEmbedder, stop.signal)
  setImmediate(() => stop.abort(new Error('overtaken')))
  await expect(work).rejects.toThrow('overtaken')
})

test('what is told to have cost little is not paused for', async () => {
  function* counting() {
    for (let i = 0; i < 1_000; i++) yield 1
    return 'done'
  }
  const { result, turns } = await turnsDuring(inSlices(counting()))
  expect([result, atOnce(counting())]).toEqual(['done', 'done'])
  expect(turns).toBeLessThan(5)
})
