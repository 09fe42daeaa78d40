import { expect, test } from 'vitest'
import { FieldedIndex } from '#shared/adapters/search/fielded-index.ts'
import { MatchRoom, matchPassages } from '#shared/adapters/search/match-passages.ts'
import { PostingArena } from '#shared/adapters/search/posting-arena.ts'
import { VectorArena } from '#shared/adapters/search/vector-arena.ts'
import { VectorMatrix } from '#shared/adapters/search/vector-matrix.ts'
import { WordPool } from '#shared/adapters/search/word-pool.ts'

/** Numerical Recipes' generator: the same cases in every run. */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

test('a posting list comes back as it was written, whatever its steps, frequencies and flags, beside other lists', () => {
  const random = sequence(1)
  const arena = new PostingArena()
  const lists = new Map<number, [number: number, times: number, flags: number][]>()
  for (let i = 0; i < 60_000; i++) {
    // Some lists are long, most hold a posting or two.
    const list = Math.floor(5_000 ** random()) - 1
    const written = lists.get(list) ?? []
    const step = random() < 0.02 ? Math.floor(random() * 1_000_000) : Math.floor(random() * 300)
    const posting = [(written.at(-1)?.[0] ?? 0) + step, random() < 0.6 ? 1 : Math.ceil(random() * 255), Math.floor(random() * 4)]
    written.push(posting as [number, number, number])
    lists.set(list, written)
    arena.append(list, posting[0]!, posting[1]!, posting[2]!)
  }
  const read = (list: number) => {
    const found: number[][] = []
    const reader = arena.reader(list)
    while (reader.next())
      for (let i = 0; i < reader.count; i++) found.push([reader.numbers[i]!, reader.details[i]! >>> 2, reader.details[i]! & 3])
    return found
  }
  for (const [list, written] of lists) expect(read(list)).toEqual(written)
  expect(read(4_999_999)).toEqual([])
})

test('words come back from the pool, also those of a document longer than a segment', () => {
  const random = sequence(2)
  const pool = new WordPool()
  const written = [3, 40, 200_000, 5, 400_000, 0, 90_000].map((count) => {
    const terms = Array.from({ length: count }, () => Math.floor(2 ** (28 * random())))
    return { terms, start: pool.add(terms) }
  })
  for (const { terms, start } of written) {
    const read = new Uint32Array(terms.length + 1)
    pool.read(start, terms.length, read, 1)
    expect([...read.subarray(1)].every((term, i) => term === terms[i])).toBe(true)
  }
})

test('the nearest vectors are exactly those of brute force, after rows were taken out and moved', () => {
  const random = sequence(3)
  const vectorOf = () => {
    const values = Float32Array.from({ length: 70 }, () => random() - 0.5)
    const norm = Math.hypot(...values)
    return values.map((value) => value / norm)
  }
  const matrix = new VectorMatrix(new VectorArena(70))
  const rows = new Map<number, { documentId: string; audience: string; vector: Float32Array }>()
  const add = (key: number) => {
    const row = { documentId: `doc-${key % 400}`, audience: key % 3 === 0 ? 'internal' : 'public', vector: vectorOf() }
    rows.set(key, row)
    matrix.add({ key, documentId: row.documentId, audience: row.audience }, row.vector)
  }
  for (let key = 0; key < 3_000; key++) add(key)
  for (let document = 0; document < 400; document += 3) {
    matrix.removeDocument(`doc-${document}`)
    for (const [key, { documentId }] of rows) if (documentId === `doc-${document}`) rows.delete(key)
  }
  for (let key = 3_000; key < 3_600; key++) add(key)
  matrix.removeDocument('never there')
  for (let i = 0; i < 20; i++) {
    const query = vectorOf()
    const scored = [...rows].flatMap(([key, { audience, vector }]) =>
      audience === 'public' ? [{ key, score: vector.reduce((sum, value, at) => sum + value * query[at]!, 0) }] : [],
    )
    const wanted = scored.sort((a, b) => b.score - a.score).slice(0, 25)
    const found = matrix.nearest(
      query,
      ({ audience }) => audience === 'public',
      25,
      (key) => rows.get(key)!.vector,
    )
    expect(found.map(({ key }) => key)).toEqual(wanted.map(({ key }) => key))
    for (const [at, { score }] of found.entries()) expect(score).toBeCloseTo(wanted[at]!.score, 6)
  }
})

test('vectors that rounding cannot tell apart are told apart', () => {
  const matrix = new VectorMatrix(new VectorArena(32))
  const vectors = Array.from({ length: 300 }, (_, i) => {
    const angle = (300 - i) * 1e-6
    return Float32Array.from({ length: 32 }, (_, at) => (at === 0 ? Math.cos(angle) : at === 1 ? Math.sin(angle) : 0))
  })
  vectors.forEach((vector, key) => {
    matrix.add({ key, documentId: `doc-${key}`, audience: 'public' }, vector)
  })
  // At a right angle to the bundle, so that its cosines differ by the angles themselves.
  const query = Float32Array.from({ length: 32 }, (_, at) => (at === 1 ? 1 : 0))
  const found = matrix.nearest(
    query,
    () => true,
    5,
    (key) => vectors[key]!,
  )
  expect(found.map(({ key }) => key)).toEqual([0, 1, 2, 3, 4])
})

test('an index that was changed and laid out anew, or filled in another order, finds what a fresh one finds, with the same scores', () => {
  const random = sequence(4)
  const words = (count: number) => Array.from({ length: count }, () => `w${Math.floor(600 ** random())}`)
  const documentOf = () => ({
    title: random() < 0.8 ? words(4) : [],
    path: words(2),
    chunks: Array.from({ length: 1 + Math.floor(random() * 4) }, () => ({ section: words(2), text: words(40) })),
  })
  let key = 0
  const put = (index: FieldedIndex, id: string, document: ReturnType<typeof documentOf>, from: number) =>
    index.add(
      id,
      document,
      document.chunks.map((_, i) => ({ key: from + i, audience: i % 2 === 0 ? 'public' : 'internal' })),
    )
  const changed = new FieldedIndex()
  const kept = new Map<string, { document: ReturnType<typeof documentOf>; from: number }>()
  for (let i = 0; i < 500; i++) {
    const id = `doc-${Math.floor(random() * 150)}`
    changed.remove(id)
    kept.delete(id)
    if (random() < 0.2) continue
    const document = documentOf()
    put(changed, id, document, key)
    kept.set(id, { document, from: key })
    key += document.chunks.length
  }
  const fresh = new FieldedIndex()
  for (const [id, { document, from }] of kept) put(fresh, id, document, from)
  const reversed = new FieldedIndex()
  for (const [id, { document, from }] of [...kept].reverse()) put(reversed, id, document, from)
  const byKey = (a: { key: number }, b: { key: number }) => a.key - b.key
  for (let i = 0; i < 20; i++) {
    const query = words(6).join(' ')
    const search = (index: FieldedIndex) =>
      matchPassages(index, new MatchRoom(), query, ({ audience }) => audience === 'public', 20).map((match) => ({
        key: match.key,
        score: match.score.toFixed(6),
      }))
    const wanted = search(fresh)
    expect(wanted.length).toBeGreaterThan(0)
    expect(search(changed.compacted())).toEqual(wanted)
    expect(search(reversed).toSorted(byKey)).toEqual(wanted.toSorted(byKey))
  }
})
