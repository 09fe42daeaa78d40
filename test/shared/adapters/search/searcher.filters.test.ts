import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SqliteSparseIndex } from '#shared/adapters/search/sparse-index.sqlite.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'

const signal = () => AbortSignal.timeout(30_000)
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'answerline-fielded-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('leaves out documents older than asked for, and those that do not say', async () => {
  const index = new SqliteSparseIndex({ folder })
  for (const [documentId, modifiedAt] of [
    ['old', '2024-05-01T00:00:00Z'],
    ['new', '2026-05-01T00:00:00Z'],
    ['unknown', undefined],
  ] as const) {
    const chunk = { ...sampleChunk({ documentId, text: 'router manual' }), ...(modifiedAt ? { modifiedAt } : {}) }
    await index.replaceDocument('acme', documentId, [chunk], signal())
  }
  const filter = { tenantId: 'acme', audiences: ['public'] as const, modifiedFrom: '2025-01-01T00:00:00Z' }
  const hits = await index.search('router', filter, 10, signal())
  index.close()
  expect(hits.map(({ chunk }) => chunk.documentId)).toEqual(['new'])
})

test('knows after hundreds of changes, when dead entries were cleared away, what an index built anew knows', async () => {
  const index = new SqliteSparseIndex({ folder: join(folder, 'changed') })
  const fresh = new SqliteSparseIndex({ folder: join(folder, 'fresh') })
  const chunksOf = (document: number, round: number) =>
    Array.from({ length: 3 }, (_, position) =>
      sampleChunk({
        documentId: `d${document}`,
        version: `v${round}`,
        position,
        text: `part ${position} word${document} round${round}`,
      }),
    )
  const find = (one: SqliteSparseIndex, query: string) =>
    one.search(query, { tenantId: 'acme', audiences: ['public'] }, 300, signal())
  for (let round = 0; round < 9; round++) {
    for (let document = 0; document < 60; document++) {
      await index.replaceDocument('acme', `d${document}`, chunksOf(document, round), signal())
      if (round === 8) await fresh.replaceDocument('acme', `d${document}`, chunksOf(document, round), signal())
    }
    expect(await find(index, `round${round}`)).toHaveLength(180)
  }
  for (const query of ['word7 part', 'round8', 'round3']) {
    const scores = async (one: SqliteSparseIndex) =>
      (await find(one, query)).map(({ chunk, score }) => `${chunk.id} ${score.toFixed(4)}`).sort()
    expect(await scores(index)).toEqual(await scores(fresh))
  }
  index.close()
  fresh.close()
})
