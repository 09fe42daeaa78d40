import { describe, expect, test } from 'vitest'
import { createDocumentIntake } from '#shared/adapters/state/document-intake.postgres.ts'
import { createDocumentStore, createKnowledge } from '#shared/adapters/state/document-store.postgres.ts'
import { createRunLog } from '#shared/adapters/state/run-log.postgres.ts'
import type { Database } from '#shared/database/client.ts'
import type { SourceDocument } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { RunStatus } from '#shared/domain/run.ts'
import type { DenseIndex, SparseIndex } from '#shared/ports/search-index.ts'
import { hopOf, newRun } from '#test/contracts/run-log.contract.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'
import { onEveryDatabase } from '#test/servers/databases.ts'

let names = 0
function newDocument(change: Partial<SourceDocument> = {}): SourceDocument {
  const name = ++names
  return {
    id: `doc-${name}`,
    tenantId: `tenant-${name}`,
    title: 'Returns',
    text: 'You may – 日本語 🙂',
    contentType: 'text/markdown',
    url: 'https://example.com/returns',
    product: 'hub',
    audience: 'public',
    language: 'en',
    modifiedAt: '2026-01-02T00:00:00.000Z',
    contentHash: 'v1',
    ...change,
  }
}
const parsed: ParsedDocument = { title: 'Returns', text: 'You may', structure: 'markdown', audience: 'public' }
const chunksOf = (documentId: string, version: string, size: number) =>
  Array.from({ length: size }, (_, position) => sampleChunk({ documentId, version, position, text: `${version} ${position}` }))

/** The store, the intake and the knowledge of one database, with indexes that tell what they were asked to delete. */
function shelf(database: Database, { indexFails = false } = {}) {
  const deleted: string[] = []
  const index = (name: string) => ({
    async deleteDocument(tenantId: string, documentId: string) {
      if (indexFails) throw new Error('the index is away')
      deleted.push(`${name} ${tenantId} ${documentId}`)
    },
  })
  const knowledge = createKnowledge(database)
  const forgotten: string[] = []
  const copies = { forget: async (tenantId: string, id: string) => void forgotten.push(`${tenantId} ${id}`) }
  const indexes = {
    dense: index('dense') as unknown as DenseIndex,
    sparse: index('sparse') as unknown as SparseIndex,
    knowledge,
    copies,
  }
  const intake = createDocumentIntake(database, indexes)
  const accept = async (document: SourceDocument) => {
    const run = newRun({ tenantId: document.tenantId, pipeline: 'index-document', subjectId: document.id, given: {} })
    return { run, intake: await intake.accept(document, run) }
  }
  return { store: createDocumentStore(database), runs: createRunLog(database), intake, knowledge, deleted, forgotten, accept }
}

const endRun = (database: Database, tenantId: string, runId: string, status: RunStatus) =>
  database.forTenant(tenantId, 'UPDATE runs SET status = $3 WHERE tenant_id = $1 AND id = $2', [runId, status])

/** How many rows of the document stand in each table that may hold some. */
async function traces(database: Database, tenantId: string, documentId: string): Promise<Record<string, unknown>> {
  const [row] = await database.forTenant(
    tenantId,
    `SELECT (SELECT count(*) FROM documents WHERE tenant_id = $1 AND id = $2) AS documents,
      (SELECT count(*) FROM parsed_documents WHERE tenant_id = $1 AND document_id = $2) AS parsed,
      (SELECT count(*) FROM chunks WHERE tenant_id = $1 AND document_id = $2) AS chunks,
      (SELECT count(*) FROM vectors WHERE tenant_id = $1 AND document_id = $2) AS vectors,
      (SELECT count(*) FROM document_originals WHERE tenant_id = $1 AND document_id = $2) AS originals`,
    [documentId],
  )
  return row!
}
const NO_TRACE = { documents: 0, parsed: 0, chunks: 0, vectors: 0, originals: 0 }

onEveryDatabase((database) => {
  test('a document begins again only when it rests, under its own tenant and version, and its title is found once it is read', async () => {
    const { store, intake, accept, runs } = shelf(database())
    const document = newDocument({ title: '' })
    const { tenantId, id } = document
    await accept(document)
    const begin = async (version = 'v1', tenant = tenantId) => {
      const run = newRun({ tenantId: tenant, pipeline: 'index-document', subjectId: id, given: {} })
      return { run, begun: await intake.retry(tenant, id, version, run) }
    }
    expect((await begin()).begun).toBe(false)
    await store.markState(tenantId, id, 'v1', { state: 'failed', code: 'x', reason: 'y' })
    expect((await begin('v2')).begun).toBe(false)
    expect((await begin('v1', 'somebody-else')).begun).toBe(false)
    const { run, begun } = await begin()
    expect(begun).toBe(true)
    expect(await runs.load(run.id)).toMatchObject({ seq: 0 })
    expect(await store.get(tenantId, id)).toEqual({ ...document, state: 'queued' })
    await store.saveParsed(tenantId, id, 'v1', { ...parsed, title: 'Found' })
    expect(await store.list(tenantId, { limit: 5 })).toEqual([{ ...document, text: '', state: 'queued', foundTitle: 'Found' }])
    await store.markState(tenantId, id, 'v1', { state: 'indexed', chunks: 1 })
    expect(await store.list(tenantId, { state: 'failed', limit: 5 })).toEqual([])
    expect((await begin()).begun).toBe(true)
  })

  describe('what comes in', () => {
    test('a new document is queued with the run that indexes it, and is found whole, by its own tenant only', async () => {
      const { store, runs, accept } = shelf(database())
      const document = newDocument()
      const { run, intake } = await accept(document)
      expect(intake).toEqual({ kind: 'queued' })
      expect(await store.get(document.tenantId, document.id)).toEqual({ ...document, state: 'queued' })
      expect(await store.get('somebody-else', document.id)).toBeUndefined()
      expect(await runs.load(run.id)).toMatchObject({ seq: 0, facts: run.given })
      const { url: _u, product: _p, language: _l, modifiedAt: _m, ...bare } = newDocument()
      await accept(bare)
      expect(await store.get(bare.tenantId, bare.id)).toEqual({ ...bare, state: 'queued' })
    })

    test('the same content again is no work: the first run stands, and no other begins', async () => {
      const { store, runs, accept } = shelf(database())
      const document = newDocument()
      const first = await accept(document)
      await store.markState(document.tenantId, document.id, 'v1', { state: 'indexed', chunks: 3 })
      await endRun(database(), document.tenantId, first.run.id, 'done')
      const again = await accept({ ...document, title: 'not looked at' })
      expect(again.intake).toEqual({ kind: 'unchanged', runId: first.run.id, state: 'indexed' })
      expect(await runs.load(again.run.id)).toBeUndefined()
      expect(await store.get(document.tenantId, document.id)).toEqual({ ...document, state: 'indexed' })
    })

    test('changed content takes the place of the old, begins a run and starts over', async () => {
      const { store, runs, accept } = shelf(database())
      const document = newDocument()
      await accept(document)
      await store.markState(document.tenantId, document.id, 'v1', { state: 'failed', code: 'empty', reason: 'nothing in it' })
      const { url: _url, ...changed } = { ...document, contentHash: 'v2', text: 'new', title: 'New' }
      const { run, intake } = await accept(changed)
      expect(intake).toEqual({ kind: 'queued' })
      expect(await store.get(document.tenantId, document.id)).toEqual({ ...changed, state: 'queued' })
      expect(await runs.load(run.id)).toBeDefined()
    })

    test('what has failed, or whose run has died or was cancelled, can be tried again with the same content', async () => {
      const { store, accept } = shelf(database())
      const document = newDocument()
      const { tenantId, id } = document
      await accept(document)
      await store.markState(tenantId, id, 'v1', { state: 'failed', code: 'empty', reason: 'nothing in it' })
      const second = await accept(document)
      expect(second.intake).toEqual({ kind: 'queued' })
      expect(await store.get(tenantId, id)).toEqual({ ...document, state: 'queued' })
      await endRun(database(), tenantId, second.run.id, 'dead')
      const third = await accept(document)
      expect(third.intake).toEqual({ kind: 'queued' })
      await endRun(database(), tenantId, third.run.id, 'cancelled')
      expect((await accept(document)).intake).toEqual({ kind: 'queued' })
    })

    test('equal ids of two tenants are two documents', async () => {
      const { store, accept, intake } = shelf(database())
      const [ours, theirs] = [newDocument({ id: 'same' }), newDocument({ id: 'same', text: 'theirs' })]
      await accept(ours)
      await accept(theirs)
      await store.saveChunks(ours.tenantId, 'same', 'v1', chunksOf('same', 'v1', 2))
      expect(await store.chunksOf(theirs.tenantId, 'same', 'v1')).toEqual([])
      await intake.remove(ours.tenantId, 'same')
      expect(await store.get(theirs.tenantId, 'same')).toEqual({ ...theirs, state: 'queued' })
    })
  })

  describe('states', () => {
    test('a state is only set on the version it speaks of', async () => {
      const { store, accept } = shelf(database())
      const document = newDocument({ contentHash: 'v2' })
      const { tenantId, id } = document
      await accept(document)
      expect(await store.markState(tenantId, id, 'v1', { state: 'indexed', chunks: 1 })).toBe(false)
      expect(await store.markState(tenantId, 'nobody', 'v2', { state: 'indexing' })).toBe(false)
      expect(await store.markState('somebody-else', id, 'v2', { state: 'indexing' })).toBe(false)
      expect(await store.get(tenantId, id)).toMatchObject({ state: 'queued' })
      expect(await store.markState(tenantId, id, 'v2', { state: 'indexing' })).toBe(true)
      expect(await store.get(tenantId, id)).toMatchObject({ state: 'indexing' })
    })

    test('a failure tells its code and its reason, whatever stands in it, until the next state', async () => {
      const { store, accept } = shelf(database())
      const document = newDocument()
      const { tenantId, id } = document
      await accept(document)
      await store.markState(tenantId, id, 'v1', { state: 'failed', code: 'empty', reason: 'nothing\u0000 in it' })
      expect(await store.get(tenantId, id)).toMatchObject({ state: 'failed', code: 'empty', reason: 'nothing\uFFFD in it' })
      await store.markState(tenantId, id, 'v1', { state: 'indexed', chunks: 2 })
      expect(await store.get(tenantId, id)).toEqual({ ...document, state: 'indexed' })
    })

    test('a document whose run has died has failed, with the code of its dead letter', async () => {
      const { store, runs, accept } = shelf(database())
      const document = newDocument()
      const { run } = await accept(document)
      await store.markState(document.tenantId, document.id, 'v1', { state: 'indexing' })
      const start = (await runs.load(run.id))!
      const hop = hopOf(start, { kind: 'failed', failure: { kind: 'terminal', code: 'x', message: 'm' } })
      const next = { ...hop.next, status: 'dead' as const }
      const deadLetter = { id: `dl_${run.id}`, step: 'parse', code: 'provider-gone', message: 'it is gone' }
      await runs.record({ ...hop, next, deadLetter })
      expect(await store.get(document.tenantId, document.id)).toMatchObject({
        ...{ state: 'failed', code: 'provider-gone', reason: 'it is gone' },
      })
      await endRun(database(), document.tenantId, run.id, 'running')
      expect(await store.get(document.tenantId, document.id)).toEqual({ ...document, state: 'indexing' })
    })
  })

  test('a document whose run has ended without a word has failed, and can be sent or tried again: no state but the last two is a resting place', async () => {
    const { store, intake, accept } = shelf(database())
    for (const status of ['closed', 'done', 'answered', 'cancelled', 'dead'] as const) {
      const document = newDocument()
      const { tenantId, id } = document
      const { run } = await accept(document)
      await store.markState(tenantId, id, 'v1', { state: 'indexing' })
      expect(await store.get(tenantId, id)).toMatchObject({ state: 'indexing' })
      await endRun(database(), tenantId, run.id, status)
      expect(await store.get(tenantId, id), status).toMatchObject({
        state: 'failed',
        code: status === 'cancelled' ? 'run-cancelled' : 'run-ended',
        reason: expect.stringContaining('run'),
      })
      expect(await store.list(tenantId, { state: 'failed', limit: 5 })).toHaveLength(1)
      const again = await accept(document)
      expect(again.intake, status).toEqual({ kind: 'queued' })
      await endRun(database(), tenantId, again.run.id, status)
      const next = newRun({ tenantId, pipeline: 'index-document', subjectId: id, given: {} })
      expect(await intake.retry(tenantId, id, 'v1', next), status).toBe(true)
      expect(await store.get(tenantId, id)).toMatchObject({ state: 'queued' })
    }
  })

  describe('what indexing makes of it', () => {
    test('parsed text and chunks of another version are neither kept nor found', async () => {
      const { store, accept } = shelf(database())
      const document = newDocument({ contentHash: 'v2' })
      const { tenantId, id } = document
      await accept(document)
      await store.saveParsed(tenantId, id, 'v1', parsed)
      await store.saveChunks(tenantId, id, 'v1', chunksOf(id, 'v1', 3))
      expect(await traces(database(), tenantId, id)).toEqual({ ...NO_TRACE, documents: 1 })
      await store.saveParsed(tenantId, id, 'v2', parsed)
      await store.saveParsed(tenantId, id, 'v2', { ...parsed, title: 'Again' })
      await store.saveChunks(tenantId, id, 'v2', chunksOf(id, 'v2', 3))
      expect(await store.parsedOf(tenantId, id, 'v2')).toEqual({ ...parsed, title: 'Again' })
      expect(await store.parsedOf(tenantId, id, 'v1')).toBeUndefined()
      expect(await store.chunksOf(tenantId, id, 'v1')).toEqual([])
      expect(await store.parsedOf('somebody-else', id, 'v2')).toBeUndefined()
    })

    test('chunks are replaced as a whole, by fewer, by more and by none, and come in their order', async () => {
      const { store, accept } = shelf(database())
      const document = newDocument()
      const { tenantId, id } = document
      await accept(document)
      for (const size of [4, 2, 7, 0]) {
        const chunks = chunksOf(id, 'v1', size)
        await store.saveChunks(tenantId, id, 'v1', chunks.toReversed())
        expect(await store.chunksOf(tenantId, id, 'v1')).toEqual(chunks)
        expect(await traces(database(), tenantId, id)).toMatchObject({ chunks: size })
      }
    })

    test('a new version’s chunks leave none of the old version’s behind', async () => {
      const { store, accept } = shelf(database())
      const document = newDocument()
      const { tenantId, id } = document
      await accept(document)
      await store.saveChunks(tenantId, id, 'v1', chunksOf(id, 'v1', 5))
      await accept({ ...document, contentHash: 'v2' })
      await store.saveChunks(tenantId, id, 'v2', chunksOf(id, 'v2', 2))
      expect(await store.chunksOf(tenantId, id, 'v2')).toEqual(chunksOf(id, 'v2', 2))
      expect(await traces(database(), tenantId, id)).toMatchObject({ chunks: 2 })
    })

    test('vectors come back bit for bit, by embedder and text, as far as they are known', async () => {
      const { store, accept } = shelf(database())
      const document = newDocument()
      const { tenantId, id } = document
      await accept(document)
      const odd = Float32Array.of(1 / 3, -0, 1e-45, 3.4e38, Number.NaN, Number.NEGATIVE_INFINITY)
      // A view into a larger buffer, as embedders give them.
      const view = new Float32Array(new Float32Array([9, 9, 0.1, 0.2, 9]).buffer, 8, 2)
      await store.saveVectors(
        tenantId,
        id,
        'hash',
        new Map([
          ['a', odd],
          ['b', view],
        ]),
      )
      await store.saveVectors(tenantId, id, 'hash', new Map([['a', Float32Array.of(7)]]))
      const found = await store.vectorsOf(tenantId, id, 'hash', ['a', 'b', 'unknown'])
      expect([...found.keys()].toSorted()).toEqual(['a', 'b'])
      expect([...new Uint32Array(found.get('a')!.buffer)]).toEqual([...new Uint32Array(odd.buffer)])
      expect(found.get('b')).toEqual(Float32Array.of(0.1, 0.2))
      expect((await store.vectorsOf(tenantId, id, 'openai', ['a'])).size).toBe(0)
      expect((await store.vectorsOf('somebody-else', id, 'hash', ['a'])).size).toBe(0)
      await store.saveVectors(tenantId, id, 'openai', new Map([['b', view]]))
      await store.pruneVectors(tenantId, id, 'hash', ['a'])
      expect([...(await store.vectorsOf(tenantId, id, 'hash', ['a', 'b'])).keys()]).toEqual(['a'])
      expect((await store.vectorsOf(tenantId, id, 'openai', ['b'])).size).toBe(1)
      await store.saveVectors(tenantId, 'nobody', 'hash', new Map([['a', odd]]))
      expect(await traces(database(), tenantId, 'nobody')).toEqual(NO_TRACE)
    })
  })

  describe('what goes', () => {
    test('a removed document leaves no row in any table, goes from both indexes, and the knowledge is another', async () => {
      const { store, intake, knowledge, deleted, accept } = shelf(database())
      const document = newDocument()
      const { tenantId, id } = document
      const { run } = await accept({ ...document, original: Buffer.from('bytes') } as SourceDocument)
      expect(Buffer.from((await store.originalOf(tenantId, id, 'v1'))!).toString()).toBe('bytes')
      await database().forTenant(
        tenantId,
        `INSERT INTO model_calls (tenant_id, run_id, step, visit, request_hash, task, tier, prompt_id, prompt_version, prompt_hash, provider, model,
           reply, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, latency_ms, created_at)
         VALUES ($1, $2, 'enrich', 1, 'h', 'contextualise', 'cheap', 'p', 1, 'h', 'x', 'x', 'words of it', 1, 1, 0, 0, 0.5, 1, now())`,
        [run.id],
      )
      await store.saveParsed(tenantId, id, 'v1', parsed)
      await store.saveChunks(tenantId, id, 'v1', chunksOf(id, 'v1', 3))
      await store.saveVectors(tenantId, id, 'hash', new Map([['a', Float32Array.of(1)]]))
      expect(await traces(database(), tenantId, id)).toEqual({ documents: 1, parsed: 1, chunks: 3, vectors: 1, originals: 1 })
      expect(await intake.remove('somebody-else', id)).toBe(false)
      expect(await traces(database(), tenantId, id)).toMatchObject({ documents: 1, chunks: 3 })
      const before = await knowledge.version(tenantId)
      expect(await intake.remove(tenantId, id)).toBe(true)
      expect(await traces(database(), tenantId, id)).toEqual(NO_TRACE)
      expect(deleted.toSorted().slice(0, 4)).toEqual([
        ...[`dense somebody-else ${id}`, `dense ${tenantId} ${id}`, `sparse somebody-else ${id}`, `sparse ${tenantId} ${id}`],
      ])
      expect(await knowledge.version(tenantId)).not.toBe(before)
      expect(await store.get(tenantId, id)).toBeUndefined()
      const calls = await database().forTenant(
        tenantId,
        'SELECT reply, cost_usd FROM model_calls WHERE tenant_id = $1 AND run_id = $2',
        [run.id],
      )
      expect(calls.map(({ reply, cost_usd }) => [reply, Number(cost_usd)])).toEqual([['', 0.5]])
    })

    test('what is replaced or deleted is listed by the same statement, for its copies to go; what is new or the same is not', async () => {
      const { intake, forgotten, accept } = shelf(database())
      const document = newDocument()
      const { tenantId, id } = document
      const listed = async () => {
        const sql =
          'SELECT document_id, changed_at <= now() AND due_at > now() AS later FROM copies_to_forget WHERE tenant_id = $1'
        return database().forTenant(tenantId, sql)
      }
      await accept(document)
      await accept(document)
      await intake.remove(tenantId, 'never-there')
      expect(await listed()).toEqual([])
      await accept({ ...document, contentHash: 'v2' })
      expect([await listed(), forgotten]).toEqual([
        [{ document_id: id, later: true }],
        [`${tenantId} never-there`, `${tenantId} ${id}`],
      ])
      const { run } = await accept({ ...document, contentHash: 'v3' })
      expect(await intake.openRunsOf(tenantId, id)).not.toContain(run.id)
      await intake.remove(tenantId, id)
      expect(await intake.openRunsOf(tenantId, id)).toContain(run.id)
      expect(await intake.openRunsOf('somebody-else', id)).toEqual([])
      expect([await listed(), forgotten.length]).toEqual([[{ document_id: id, later: true }], 4])
    })

    test('a removal that an index broke off is finished by a repeat', async () => {
      const document = newDocument()
      const { tenantId, id } = document
      const broken = shelf(database(), { indexFails: true })
      await broken.accept(document)
      await expect(broken.intake.remove(tenantId, id)).rejects.toThrow('the index is away')
      const { intake, deleted } = shelf(database())
      expect(await intake.remove(tenantId, id)).toBe(false)
      expect(deleted.toSorted()).toEqual([`dense ${tenantId} ${id}`, `sparse ${tenantId} ${id}`])
    })

    test('writers that race with the removal leave nothing behind', async () => {
      const { store, intake, accept } = shelf(database())
      const document = newDocument()
      const { tenantId, id } = document
      for (let round = 0; round < 30; round++) {
        await accept(document)
        await Promise.all([
          store.saveChunks(tenantId, id, 'v1', chunksOf(id, 'v1', 50)),
          store.saveVectors(tenantId, id, 'hash', new Map([['a', new Float32Array(2_000)]])),
          store.saveParsed(tenantId, id, 'v1', parsed),
          intake.remove(tenantId, id),
        ])
        expect(await traces(database(), tenantId, id), `round ${round}`).toEqual(NO_TRACE)
      }
    })

    test('chunks of an overtaken version that race with those of the new one never mix with them', async () => {
      const { store, intake, accept } = shelf(database())
      const document = newDocument()
      const { tenantId, id } = document
      for (let round = 0; round < 20; round++) {
        await accept(document)
        await Promise.all([
          store.saveChunks(tenantId, id, 'v1', chunksOf(id, 'v1', 60)),
          accept({ ...document, contentHash: 'v2' }).then(() => store.saveChunks(tenantId, id, 'v2', chunksOf(id, 'v2', 40))),
        ])
        expect(await store.chunksOf(tenantId, id, 'v2'), `round ${round}`).toHaveLength(40)
        expect(await traces(database(), tenantId, id)).toMatchObject({ chunks: 40 })
        await intake.remove(tenantId, id)
      }
    })
  })

  test('a tenant’s knowledge starts at 0 and every change counts, however many come at once', async () => {
    const knowledge = createKnowledge(database())
    const { tenantId } = newDocument()
    expect(await knowledge.version(tenantId)).toBe('0')
    const versions = await Promise.all(Array.from({ length: 10 }, () => knowledge.bump(tenantId)))
    expect(new Set(versions).size).toBe(10)
    expect(await knowledge.version(tenantId)).toBe('10')
    expect(await knowledge.version('never-seen')).toBe('0')
  })
})
