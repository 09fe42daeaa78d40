import { describe, expect, test } from 'vitest'
import type { SparseIndex } from '#shared/ports/search-index.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'
import { chunkIndexContract } from './chunk-index.contract.ts'

const PUBLIC = { tenantId: 'acme', audiences: ['public'] } as const
const signal = () => AbortSignal.timeout(30_000)

/** @param open a connection to one store per test; called twice in a test, both see the same data */
export function sparseIndexContract(name: string, open: () => SparseIndex): void {
  describe(`sparse index: ${name}`, () => {
    chunkIndexContract(() => {
      const index = open()
      return {
        replace: (tenantId, documentId, chunks, stop) => index.replaceDocument(tenantId, documentId, chunks, stop),
        search: (text, filter, limit, stop) => index.search(text, filter, limit, stop),
        deleteDocument: (tenantId, documentId, stop) => index.deleteDocument(tenantId, documentId, stop),
        deleteTenant: (tenantId, stop) => index.deleteTenant(tenantId, stop),
        count: (tenantId, stop) => index.count(tenantId, stop),
        health: (stop) => index.health(stop),
      }
    })

    const put = (index: SparseIndex, chunks: readonly (Partial<Parameters<typeof sampleChunk>[0]> & { text: string })[]) =>
      Promise.all(
        chunks.map((chunk, i) =>
          index.replaceDocument('acme', `d${i}`, [sampleChunk({ documentId: `d${i}`, ...chunk })], signal()),
        ),
      )
    const found = async (index: SparseIndex, query: string) =>
      (await index.search(query, PUBLIC, 10, signal())).map(({ chunk }) => chunk.documentId)

    test('puts a match in the title above the same match in the text', async () => {
      const index = open()
      await put(index, [
        { title: 'Billing', text: 'how to pay an invoice with a card and see the thermostat page' },
        { title: 'Thermostat', text: 'how to pay an invoice with a card and see the billing page' },
        { title: 'Other things', text: 'nothing of interest stands here at all' },
      ])
      expect(await found(index, 'thermostat')).toEqual(['d1', 'd0'])
    })

    test('finds identifiers whole and in their parts, the whole one first', async () => {
      const index = open()
      await put(index, [
        { text: 'Error LK-204 means that the hub has lost its clock.' },
        { text: 'Error LK-205 means that the hub is too warm.' },
        { text: 'Exit code 0x80070005 says access denied.' },
        { text: 'The unit 204 of building LK is closed.' },
        { text: 'Nothing to see in this text about weather.' },
      ])
      expect((await found(index, 'what is lk-204?'))[0]).toBe('d0')
      expect(await found(index, '0X80070005')).toEqual(['d2'])
      expect(await found(index, 'LK205')).toContain('d1')
    })

    test('meets other forms of a word and other writings of a letter', async () => {
      const index = open()
      await put(index, [{ text: 'Updating the café devices' }, { text: 'unrelated sentence' }])
      expect(await found(index, 'cafe device updates')).toEqual(['d0'])
    })

    test('gives the chunks at given places of a document, of the version that is served and for these audiences only', async () => {
      const index = open()
      const chunks = Array.from({ length: 12 }, (_, position) =>
        sampleChunk({ documentId: 'a', position, text: `part ${position}`, audience: position === 4 ? 'internal' : 'public' }),
      )
      const placesOf = async (positions: readonly number[], documentId = 'a', tenantId = 'acme') =>
        (await index.chunksAt({ ...PUBLIC, tenantId }, documentId, positions, signal()))
          .map(({ version, position }) => `${version} ${position}`)
          .sort()
      await index.replaceDocument('acme', 'a', chunks, signal())
      await index.replaceDocument('globex', 'a', chunks.slice(0, 2), signal())
      expect(await placesOf([1, 3, 4, 5, 99])).toEqual(['v1 1', 'v1 3', 'v1 5'])
      expect(await placesOf([1, 3], 'a', 'globex')).toEqual(['v1 1'])
      expect(await placesOf([1], 'nobody')).toEqual([])
      expect(await placesOf([])).toEqual([])
      await index.replaceDocument(
        'acme',
        'a',
        [sampleChunk({ documentId: 'a', version: 'v2', position: 1, text: 'new' })],
        signal(),
      )
      expect(await placesOf([0, 1, 2])).toEqual(['v2 1'])
    })

    test('takes any text as a query: operators, quotes, NUL and 100 KB are just words', async () => {
      const index = open()
      await put(index, [{ text: 'the router manual' }, { text: 'another page' }])
      const hostile = [
        '"',
        'router"',
        'router AND',
        'NEAR(router, 2)',
        'title:router',
        '-router',
        'router*',
        '^router',
        'router\u0000',
        '(((',
        'router OR OR',
        `'; DROP TABLE chunk; --`,
        '{}[]\\',
        '\ud800router',
      ]
      for (const query of hostile) expect(Array.isArray(await found(index, query)), query).toBe(true)
      expect(await found(index, '(router) AND "NOT"')).toEqual(['d0'])
      expect(await found(index, `router ${'blah '.repeat(20_000)}`)).toEqual(['d0'])
      expect(await found(index, `${'x'.repeat(100_000)}`)).toEqual([])
      expect(await found(index, '')).toEqual([])
      expect(await found(index, 'the of and')).toEqual([])
      expect(await found(index, 'router')).toEqual(['d0'])
    })
  })
}
