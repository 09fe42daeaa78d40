import { expect, test } from 'vitest'
import type { Chunk } from '#shared/domain/document.ts'
import type { ScoredChunk, SearchFilter } from '#shared/ports/search-index.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'

const signal = () => AbortSignal.timeout(30_000)
const filterOf = (tenantId: string, more: Partial<SearchFilter> = {}): SearchFilter => ({
  tenantId,
  audiences: ['public'],
  ...more,
})
const idsOf = (hits: readonly ScoredChunk[]) => hits.map(({ chunk }) => chunk.id)

/** One leg of the search, seen alike: chunks in, chunks out that match one word. */
export type Leg = {
  replace(tenantId: string, documentId: string, chunks: readonly Chunk[], signal: AbortSignal): Promise<void>
  search(text: string, filter: SearchFilter, limit: number, signal: AbortSignal): Promise<ScoredChunk[]>
  deleteDocument(tenantId: string, documentId: string, signal: AbortSignal): Promise<void>
  deleteTenant(tenantId: string, signal: AbortSignal): Promise<void>
  count(tenantId: string, signal: AbortSignal): Promise<number>
  health(signal: AbortSignal): Promise<{ readonly ok: boolean; readonly detail: string }>
}

/** `open` gives a second connection to the same store each time it is called, where there is a store to share. */
export function chunkIndexContract(open: () => Leg): void {
  const version = (documentId: string, name: string, size: number) =>
    Array.from({ length: size }, (_, position) =>
      sampleChunk({ documentId, version: name, position, text: `router manual part ${position} of ${name}` }),
    )

  test('finds what was put in, whole', async () => {
    const index = open()
    const chunk = sampleChunk({
      documentId: 'a',
      text: 'The router blinks amber',
      title: 'Lights',
      section: ['Router'],
      url: 'https://example.com/a',
      product: 'router',
      language: 'en',
      modifiedAt: '2026-01-02T00:00:00.000Z',
    })
    await index.replace('acme', 'a', [chunk], signal())
    const hits = await index.search('router blinks', filterOf('acme'), 5, signal())
    expect(hits).toHaveLength(1)
    expect(hits[0]!.chunk).toEqual(chunk)
    expect(hits[0]!.score).toBeGreaterThan(0)
  })

  test('never shows one tenant the passages of another, under equal ids and equal words', async () => {
    const index = open()
    await index.replace('acme', 'a', [sampleChunk({ documentId: 'a', text: 'router secret of acme' })], signal())
    await index.replace('globex', 'a', [sampleChunk({ documentId: 'a', text: 'router secret of globex' })], signal())
    const hits = await index.search('router secret', filterOf('acme'), 5, signal())
    expect(hits.map(({ chunk }) => chunk.text)).toEqual(['router secret of acme'])
    expect(await index.search('router secret', filterOf('nobody'), 5, signal())).toEqual([])
  })

  test('serves only the audiences that were asked for', async () => {
    const index = open()
    const chunks = (['public', 'enterprise', 'internal'] as const).map((audience, position) =>
      sampleChunk({ documentId: 'a', position, text: `router for ${audience}`, audience }),
    )
    await index.replace('acme', 'a', chunks, signal())
    const seen = async (audiences: SearchFilter['audiences']) =>
      (await index.search('router', filterOf('acme', { audiences }), 5, signal())).map(({ chunk }) => chunk.audience).sort()
    expect(await seen(['public'])).toEqual(['public'])
    expect(await seen(['public', 'enterprise'])).toEqual(['enterprise', 'public'])
    expect(await seen([])).toEqual([])
  })

  test('filters by product and language before it counts to the limit', async () => {
    const index = open()
    const chunks = Array.from({ length: 30 }, (_, position) =>
      sampleChunk({
        documentId: 'a',
        position,
        text: 'router reset',
        product: position === 29 ? 'hub' : 'router',
        language: position < 15 ? 'en' : 'de',
      }),
    )
    await index.replace('acme', 'a', chunks, signal())
    const hits = await index.search('router reset', filterOf('acme', { product: 'hub', language: 'de' }), 3, signal())
    expect(hits.map(({ chunk }) => chunk.position)).toEqual([29])
    expect(await index.search('router reset', filterOf('acme', { product: 'hub', language: 'en' }), 3, signal())).toEqual([])
  })

  test('gives the best first, at most as many as asked, and the same again', async () => {
    const index = open()
    const texts = [
      'reset the router password now',
      'reset the router',
      'a router stands on the table beside the lamp',
      'the lamp is blue',
    ]
    await index.replace(
      'acme',
      'a',
      texts.map((text, position) => sampleChunk({ documentId: 'a', position, text })),
      signal(),
    )
    const first = await index.search('reset router password', filterOf('acme'), 2, signal())
    expect(first.map(({ chunk }) => chunk.position)).toEqual([0, 1])
    expect(first[0]!.score).toBeGreaterThan(first[1]!.score)
    expect(await index.search('reset router password', filterOf('acme'), 2, signal())).toEqual(first)
    expect(await index.search('reset router password', filterOf('acme'), 0, signal())).toEqual([])
  })

  test('replaces a document as a whole, and a repeat changes nothing', async () => {
    const index = open()
    await index.replace('acme', 'a', version('a', 'v1', 4), signal())
    await index.replace('acme', 'b', version('b', 'v1', 1), signal())
    for (let repeat = 0; repeat < 2; repeat++) {
      await index.replace('acme', 'a', version('a', 'v2', 2), signal())
      expect(await index.count('acme', signal())).toBe(3)
      const hits = await index.search('router manual part', filterOf('acme'), 20, signal())
      expect(idsOf(hits).sort()).toEqual(['a:v2:0', 'a:v2:1', 'b:v1:0'])
    }
  })

  test('forgets a deleted document, and of a deleted tenant everything', async () => {
    const index = open()
    await index.replace('acme', 'a', version('a', 'v1', 3), signal())
    await index.replace('acme', 'b', version('b', 'v1', 2), signal())
    await index.replace('globex', 'a', version('a', 'v1', 1), signal())
    expect(await index.search('router', filterOf('acme'), 20, signal())).toHaveLength(5)
    await index.deleteDocument('acme', 'a', signal())
    await index.deleteDocument('acme', 'never-there', signal())
    expect(new Set((await index.search('router', filterOf('acme'), 20, signal())).map(({ chunk }) => chunk.documentId))).toEqual(
      new Set(['b']),
    )
    await index.deleteTenant('acme', signal())
    expect(await index.search('router', filterOf('acme'), 20, signal())).toEqual([])
    expect(await index.count('acme', signal())).toBe(0)
    expect(await index.count('globex', signal())).toBe(1)
    await index.replace('acme', 'c', version('c', 'v1', 1), signal())
    expect(idsOf(await index.search('router', filterOf('acme'), 20, signal()))).toEqual(['c:v1:0'])
  })

  test('an empty index, and a document without chunks, are found empty', async () => {
    const index = open()
    expect(await index.search('router', filterOf('acme'), 5, signal())).toEqual([])
    await index.replace('acme', 'a', [], signal())
    expect(await index.count('acme', signal())).toBe(0)
    expect(await index.search('router', filterOf('acme'), 5, signal())).toEqual([])
    expect((await index.health(signal())).ok).toBe(true)
  })

  test('a reader beside the writer sees one version, never a mixture and never nothing', async () => {
    const [writer, reader] = [open(), open()]
    await writer.replace('acme', 'a', version('a', 'v0', 5), signal())
    let writing = true
    const writes = (async () => {
      for (let n = 1; n <= 40; n++) {
        await writer.replace('acme', 'a', version('a', `v${n}`, 5 + (n % 3)), signal())
        await new Promise((resolve) => setImmediate(resolve))
      }
      writing = false
    })()
    const seen = new Set<string>()
    while (writing) {
      const hits = await reader.search('router manual part', filterOf('acme'), 20, signal())
      const versions = [...new Set(hits.map(({ chunk }) => chunk.version))]
      expect(versions).toHaveLength(1)
      expect(hits).toHaveLength(5 + (Number(versions[0]!.slice(1)) % 3))
      seen.add(versions[0]!)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await writes
    expect((await reader.search('router manual part', filterOf('acme'), 20, signal()))[0]!.chunk.version).toBe('v40')
    expect(seen.size).toBeGreaterThan(1)
  })

  test('gives up when told to', async () => {
    const index = open()
    await index.replace('acme', 'a', version('a', 'v1', 1), signal())
    await expect(index.search('router', filterOf('acme'), 5, AbortSignal.abort(new Error('too late')))).rejects.toThrow(
      'too late',
    )
    await expect(index.replace('acme', 'a', [], AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
    expect(await index.count('acme', signal())).toBe(1)
  })
}
