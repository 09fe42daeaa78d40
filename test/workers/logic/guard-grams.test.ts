import { describe, expect, it } from 'vitest'
import { rowOf } from '#workers/logic/guard-features.ts'
import { countGrams, gramsOf, hashOf } from '#workers/logic/guard-grams.ts'

/** The same by definition: every gram cut out as a string. */
function byDefinition(tokens: readonly string[]) {
  const words = tokens.flatMap((word, at) => {
    const two = `${tokens[at - 1] ?? '^'} ${word}`
    return [hashOf(word, 1), hashOf(two, 2), ...(at > 0 ? [hashOf(`${tokens[at - 2] ?? '^'} ${two}`, 3)] : [])]
  })
  const characters = tokens.flatMap((token) => {
    const padded = ` ${token} `
    const shortest = /[\u3040-\u30ff]/.test(token) ? 1 : 3
    const grams: number[] = []
    for (let from = 0; from < padded.length; from++)
      for (let size = shortest; size <= 5 && from + size <= padded.length; size++)
        grams.push(hashOf(padded.slice(from, from + size), 4))
    return grams
  })
  return { words: [...words, hashOf(`${tokens.at(-1)} $`, 2)], characters }
}

describe('the grams of a text', () => {
  const tokens = ['how', 'do', 'i', 'reset', 'my', 'カメラ', '?', 'how', 'do', 'i', '<4>']

  it('are the hashes of its word and character grams, cut out one by one', () => {
    const { words, characters } = gramsOf(tokens)
    expect([...words]).toEqual(byDefinition(tokens).words)
    expect([...characters]).toEqual(byDefinition(tokens).characters)
  })

  it('know where those of each token end', () => {
    const { wordEnds, characterEnds, words } = gramsOf(tokens)
    expect([...wordEnds]).toEqual(tokens.map((_, at) => 2 + 3 * at))
    expect(words).toHaveLength(wordEnds.at(-1)! + 1)
    expect(characterEnds[0]).toBe(gramsOf(['how']).characters.length)
    expect(characterEnds.at(-1)).toBe(gramsOf(tokens).characters.length)
  })

  it('are counted, each in the place where it came first', () => {
    const { ids, counts, size } = countGrams(Int32Array.of(7, -3, 7, 0, 7, -3))
    expect([...ids.subarray(0, size)]).toEqual([7, -3, 0])
    expect([...counts.subarray(0, size)]).toEqual([3, 2, 1])
    const many = Int32Array.from({ length: 4_000 }, (_, at) => (at % 1_000) * 4_096)
    expect(countGrams(many).size).toBe(1_000)
    expect(
      countGrams(many)
        .counts.subarray(0, 1_000)
        .every((count) => count === 4),
    ).toBe(true)
  })

  it('of nothing are none', () => {
    expect(gramsOf([])).toMatchObject({ words: new Int32Array(0), characters: new Int32Array(0) })
    expect(rowOf([], 10, []).ids).toHaveLength(0)
  })
})
