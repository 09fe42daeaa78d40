import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDigestItems } from '#shared/adapters/state/digest-items.postgres.ts'
import type { DigestResult } from '#shared/domain/digest.ts'
import type { DigestItems } from '#shared/ports/document-set-store.ts'
import { type Api, keyOf, problemIn, startApi } from './start-api.ts'

let api: Api
let items: DigestItems
beforeAll(async () => {
  api = await startApi()
  items = createDigestItems(api.database)
}, 60_000)
afterAll(() => api.close())

const doc = (text: string, more: object = {}) => ({ title: 'Hub', text, ...more })
const summarise = (more: object = {}) => ({
  name: 'nightly',
  task: 'summarise',
  documents: [doc('The hub has two lamps.')],
  ...more,
})
const post = (body: unknown, headers: Record<string, string> = {}) =>
  api.post('/v1/document-sets', body, { key: keyOf('ingest'), headers })
const itemsOf = (setId: string) =>
  api.database.asSystem('the test looks', 'SELECT * FROM document_set_items WHERE set_id = $1 ORDER BY position', [setId])
const endRuns = (setId: string, status: string) =>
  api.database.asSystem(
    'the test plays the workers',
    'UPDATE runs SET status = $2, ended_at = now() WHERE id IN (SELECT run_id FROM document_set_items WHERE set_id = $1)',
    [setId, status],
  )
/** A reply of a model in a run, for half a dollar. */
const bill = (runId: string, reply: string) =>
  api.database.asSystem(
    'the test plays a model',
    `INSERT INTO model_calls (tenant_id, run_id, step, visit, request_hash, task, tier, prompt_id, prompt_version, prompt_hash, provider, model,
       reply, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, latency_ms, created_at)
     VALUES ('default', $1, 'digest', 1, 'x', 'summarise', 'cheap', 'p', 1, 'x', 'openai', 'm', $2, 1, 1, 0, 0, 0.5, 1, now())`,
    [runId, reply],
  )
const billOf = (runId: string) =>
  api.database.asSystem('the test looks', 'SELECT reply, cost_usd::float8 AS cost FROM model_calls WHERE run_id = $1', [runId])
const fields = (response: Parameters<typeof problemIn>[0]) => (problemIn(response).errors ?? []).map(({ field }) => field)

describe('POST /v1/document-sets', () => {
  test('accepts documents by id and documents that come along, with a held run for each', async () => {
    const response = await post(
      summarise({ documents: ['kb-1', { documentId: 'kb-2' }, 'kb-1', doc('Three lamps.', { id: 'mine' })] }),
    )
    expect(response.statusCode).toBe(202)
    const { documentSetId, state, total, links } = response.json()
    expect({ state, total }).toEqual({ state: 'running', total: 3 })
    expect(links).toEqual({ self: `/v1/document-sets/${documentSetId}`, results: `/v1/document-sets/${documentSetId}/results` })
    const items = await itemsOf(documentSetId)
    expect(items.map((item) => item.document_id)).toEqual(['kb-1', 'kb-2', null])
    const run = await api.deps.runs.load(String(items[2]!.run_id))
    expect(run).toMatchObject({ pipeline: 'digest-document', subjectId: 'mine', lane: 'offline', status: 'queued', step: 'read' })
    expect(run!.facts).toEqual({ item: { setId: documentSetId, position: 2 } })
    const view = await api.get(links.self, { key: keyOf('read') })
    expect(view.json()).toMatchObject({
      name: 'nightly',
      task: 'summarise',
      lane: 'offline',
      state: 'running',
      progress: { done: 0, failed: 0, cancelled: 0, parked: 0, total: 3 },
      expectedEndAt: null,
      costUsd: 0,
      savedUsd: 0,
      failures: [],
    })
  })

  test('takes ten thousand documents by reference in one request', async () => {
    const documents = Array.from({ length: 10_000 }, (_, i) => `kb-${i}`)
    const response = await post(summarise({ documents }))
    expect(response.statusCode).toBe(202)
    expect(response.json().total).toBe(10_000)
    expect((await post(summarise({ documents: [...documents, 'one-more'] }))).statusCode).toBe(422)
  }, 60_000)

  test('is done once under one key, also when its response was lost with the process', async () => {
    const headers = { 'idempotency-key': 'night-1' }
    const [first, second] = [await post(summarise(), headers), await post(summarise(), headers)]
    expect(second.headers['idempotency-replayed']).toBe('true')
    expect(second.json()).toEqual(first.json())
    await api.database.asSystem('the response is lost', "DELETE FROM idempotency_keys WHERE key = 'night-1'")
    expect((await post(summarise(), headers)).json()).toEqual(first.json())
    expect(await itemsOf(first.json().documentSetId)).toHaveLength(1)
    expect(problemIn(await post(summarise({ name: 'other' }), headers)).status).toBe(422)
    // A key is kept for a day; then it is free for something else, and for the same once more.
    await api.database.asSystem('a day passes', "DELETE FROM idempotency_keys WHERE key = 'night-1'")
    await api.database.asSystem('a day passes', "UPDATE document_sets SET created_at = created_at - interval '25 hours'")
    const other = (await post(summarise({ name: 'other' }), headers)).json().documentSetId
    expect(other).not.toBe(first.json().documentSetId)
    await api.database.asSystem('a day passes', "DELETE FROM idempotency_keys WHERE key = 'night-1'")
    expect((await post(summarise(), headers)).json().documentSetId).not.toBe(first.json().documentSetId)
  })

  test.each([
    ['no documents', { documents: [] }, 'documents'],
    ['neither documents nor a query', { documents: undefined }, 'documents'],
    ['both of them', { query: {} }, 'documents'],
    ['labels that repeat', { task: 'classify', labels: ['Bug', ' bug'] }, 'labels.1'],
    ['an empty label', { task: 'classify', labels: ['bug', ' '] }, 'labels.1'],
    ['a single label', { task: 'classify', labels: ['bug'] }, 'labels'],
    ['labels of no use to the task', { labels: ['a', 'b'] }, 'labels'],
    ['an unknown task', { task: 'translate' }, 'task'],
    ['a lane for people who wait', { lane: 'interactive' }, 'lane'],
    ['an index of summaries', { index: true }, 'index'],
    ['a callback that is no address', { callbackUrl: 'ftp://x' }, 'callbackUrl'],
    ['no schema', { task: 'extract' }, 'schema'],
  ])('refuses %s, naming the field', async (_what, change, field) => {
    expect(fields(await post(summarise(change)))).toContain(field)
  })

  test.each([
    ['no valid JSON Schema', { type: 'object', properties: { a: { type: 'string', minLength: -1 } } }, 'no valid JSON Schema'],
    ['of an unknown type', { type: 'object', properties: { a: { type: 'strng' } } }, 'no type "strng"'],
    ['recursive', { type: 'object', properties: { next: { $ref: '#' } } }, 'recursive'],
    [
      'recursive in a circle',
      { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'array', items: { $ref: '#/$defs/a' } } } },
      'recursive',
    ],
    ['remote', { type: 'object', properties: { a: { $ref: 'https://example.com/a.json' } } }, 'leads out of the schema'],
    ['dangling', { type: 'object', properties: { a: { $ref: '#/$defs/none' } } }, 'leads nowhere'],
    ['a list at its root', { type: 'array', items: { type: 'string' } }, 'must be of type "object"'],
    [
      'a regular expression',
      { type: 'object', properties: { a: { type: 'string', pattern: '(a+)+$' } } },
      '"pattern" is not supported',
    ],
    ['a trap', { type: 'object', properties: JSON.parse('{"__proto__": {"type": "string"}}') }, 'cannot be the name'],
  ])('refuses a schema that is %s', async (_what, schema, message) => {
    const problem = problemIn(await post(summarise({ task: 'extract', schema })))
    expect(problem.status).toBe(422)
    expect(problem.errors?.[0]).toMatchObject({ field: 'schema', message: expect.stringContaining(message) })
  })

  test('refuses a schema that grows beyond all bounds when its references are followed', async () => {
    const levels = Array.from({ length: 9 }, (_, i) => [
      `l${i}`,
      { type: 'object', properties: { a: { $ref: `#/$defs/l${i + 1}` }, b: { $ref: `#/$defs/l${i + 1}` } } },
    ])
    const $defs = { ...Object.fromEntries(levels), l9: { type: 'string' } }
    const schema = { type: 'object', properties: { a: { $ref: '#/$defs/l0' } }, $defs }
    expect(problemIn(await post(summarise({ task: 'extract', schema }))).errors?.[0]?.message).toMatch(/too large|too deep/)
  })

  test('a query that selects nothing is refused, and one of another tenant selects nothing of ours', async () => {
    const body = summarise({ documents: undefined, query: { product: 'none' } })
    expect(fields(await post(body))).toEqual(['query'])
  })

  test('needs the role to send documents', async () => {
    const response = await api.post('/v1/document-sets', summarise(), { key: keyOf('read') })
    expect(problemIn(response).status).toBe(403)
  })
})

describe('a document set', () => {
  test('is nobody else’s: to another tenant it is not there', async () => {
    const { documentSetId: id } = (await post(summarise())).json()
    const other = { key: keyOf('admin', 'other') }
    expect(problemIn(await api.get(`/v1/document-sets/${id}`, other)).status).toBe(404)
    expect(problemIn(await api.get(`/v1/document-sets/${id}/results`, other)).status).toBe(404)
    expect(problemIn(await api.post(`/v1/document-sets/${id}/cancel`, undefined, other)).status).toBe(404)
    expect((await api.get('/v1/document-sets', other)).json().documentSets).toEqual([])
    expect(problemIn(await api.get('/v1/document-sets/set_unknown', { key: keyOf('read') })).status).toBe(404)
  })

  test('shows what failed and why, and streams one line for each document that has ended', async () => {
    const documents = Array.from({ length: 450 }, (_, i) => `many-${i}`)
    const { documentSetId: id } = (await post(summarise({ documents }))).json()
    const rows = await itemsOf(id)
    const at = new Date()
    for (const { run_id } of rows.slice(0, 3))
      await items.settle('default', String(run_id), { code: 'unknown-document', reason: 'not there' }, at)
    await items.saveResult('default', String(rows[3]!.run_id), {
      task: 'summarise',
      by: 'model',
      model: 'm',
      text: 'Two lamps. [1]',
      citations: [],
      claims: [],
      cut: [],
    })
    await endRuns(id, 'cancelled')
    await items.settle('default', String(rows[3]!.run_id), null, at)
    const view = (await api.get(`/v1/document-sets/${id}`, { key: keyOf('read') })).json()
    expect(view.progress).toEqual({ done: 1, failed: 3, cancelled: 446, parked: 0, total: 450 })
    expect(view.failures).toHaveLength(3)
    expect(view.failures[0]).toMatchObject({ position: 0, documentId: 'many-0', code: 'unknown-document', reason: 'not there' })
    const results = await api.get(`/v1/document-sets/${id}/results`, { key: keyOf('read') })
    expect(results.headers['content-type']).toMatch(/^application\/x-ndjson/)
    const lines = results.body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ position }) => position)).toEqual(documents.map((_, i) => i))
    expect(lines[3]).toMatchObject({ state: 'done', documentId: 'many-3', result: { text: 'Two lamps. [1]' }, failure: null })
  }, 30_000)

  test('is cancelled once, and not after its end', async () => {
    const { documentSetId: id } = (await post(summarise())).json()
    const cancel = () => api.post(`/v1/document-sets/${id}/cancel`, undefined, { key: keyOf('ingest') })
    expect((await cancel()).json()).toMatchObject({ documentSetId: id, state: 'cancelling' })
    expect((await cancel()).statusCode).toBe(202)
    await endRuns(id, 'cancelled')
    const set = (await api.deps.documentSets.find('default', id))!
    expect(await api.deps.documentSets.end(set, 'cancelled', new Date(), undefined)).toBe(true)
    expect(problemIn(await cancel())).toMatchObject({ status: 409, code: 'document-set-ended' })
  })

  test('that is cancelled while it is being ended is left to the next look', async () => {
    const { documentSetId: id } = (await post(summarise())).json()
    await endRuns(id, 'done')
    const seen = (await api.deps.documentSets.find('default', id))!
    await api.post(`/v1/document-sets/${id}/cancel`, undefined, { key: keyOf('ingest') })
    expect(await api.deps.documentSets.end(seen, 'completed', new Date(), undefined)).toBe(false)
    const again = (await api.deps.documentSets.find('default', id))!
    expect(again.state).toBe('cancelling')
    expect(await api.deps.documentSets.end(again, 'completed', new Date(), undefined)).toBe(true)
    expect((await api.deps.documentSets.find('default', id))!.state).toBe('completed')
  })

  test('is gone at once when it is deleted, and without a trace when its documents have ended', async () => {
    const { documentSetId: id } = (await post(summarise({ documents: ['kb-1', 'kb-2'] }))).json()
    const remove = (key = keyOf('ingest')) => api.send('DELETE', `/v1/document-sets/${id}`, { key })
    const rows = await itemsOf(id)
    const runIds = rows.map(({ run_id }) => String(run_id))
    await bill(runIds[0]!, 'What a model wrote.')
    expect(problemIn(await remove(keyOf('admin', 'other'))).status).toBe(404)
    expect((await remove()).statusCode).toBe(204)
    const path = `/v1/document-sets/${id}`
    for (const url of [path, `${path}/results`]) expect(problemIn(await api.get(url, { key: keyOf('read') })).status).toBe(404)
    expect((await api.get('/v1/document-sets', { key: keyOf('read') })).body).not.toContain(id)
    expect(problemIn(await api.post(`${path}/cancel`, undefined, { key: keyOf('ingest') })).status).toBe(404)
    expect(problemIn(await remove()).status).toBe(404)
    // Its runs are still under way: they are cancelled first, by the keeper.
    expect(await api.deps.documentSets.purge(10)).toBe(0)
    expect((await api.deps.documentSets.toCancel(1_000)).toSorted()).toEqual(expect.arrayContaining(runIds))
    expect(await api.deps.documentSets.endable(10)).not.toContainEqual(expect.objectContaining({ id }))
    await endRuns(id, 'cancelled')
    expect(await api.deps.documentSets.purge(10)).toBe(1)
    expect(await itemsOf(id)).toEqual([])
    expect(await billOf(runIds[0]!)).toEqual([{ reply: '', cost: 0.5 }])
  })

  test('holds nothing of a document that was deleted, and its counts stay', async () => {
    await api.post('/v1/documents', { id: 'kb-gone', title: 'Lamp', text: 'Two lamps.' }, { key: keyOf('ingest') })
    const ended = (await post(summarise({ documents: ['kb-gone', 'kb-stays'] }))).json().documentSetId
    const open = (await post(summarise({ documents: ['kb-gone'] }))).json().documentSetId
    const [gone, stays] = (await itemsOf(ended)).map(({ run_id }) => String(run_id))
    const result = {
      task: 'summarise',
      by: 'model',
      model: 'm',
      text: 'Two lamps.',
      citations: [],
      claims: [],
      cut: [],
    } as DigestResult
    for (const runId of [gone!, stays!]) {
      await items.saveResult('default', runId, result)
      await bill(runId, 'Two lamps, says the model.')
      await items.settle('default', runId, null, new Date())
    }
    await endRuns(ended, 'done')
    expect((await api.send('DELETE', '/v1/documents/kb-gone', { key: keyOf('ingest') })).statusCode).toBe(204)
    const view = (await api.get(`/v1/document-sets/${ended}`, { key: keyOf('read') })).json()
    expect(view.progress).toMatchObject({ done: 2, failed: 0 })
    const lines = (await api.get(`/v1/document-sets/${ended}/results`, { key: keyOf('read') })).body.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { documentId: 'kb-gone', title: '', result: null, failure: { code: 'document-deleted' } },
      { documentId: 'kb-stays', result: { text: 'Two lamps.' }, failure: null },
    ])
    expect([await billOf(gone!), await billOf(stays!)]).toMatchObject([
      [{ reply: '' }],
      [{ reply: 'Two lamps, says the model.' }],
    ])
    // What was under way of it is cancelled, and what its step would write is dropped.
    const [underWay] = await itemsOf(open)
    expect((await api.deps.runs.load(String(underWay!.run_id)))!.status).toBe('cancelled')
    await items.saveResult('default', String(underWay!.run_id), result)
    expect((await itemsOf(open))[0]).toMatchObject({ state: 'failed', result: null, failure: { code: 'document-deleted' } })
  })

  test('lists newest first, page by page', async () => {
    const page = async (query: string) => (await api.get(`/v1/document-sets?${query}`, { key: keyOf('read') })).json()
    const first = await page('limit=2')
    const second = await page(`limit=2&after=${first.next}`)
    const ids = [...first.documentSets, ...second.documentSets].map(
      ({ documentSetId }: { documentSetId: string }) => documentSetId,
    )
    expect(new Set(ids).size).toBe(4)
  })
})

describe('schedules', () => {
  const nightly = (more: object = {}) => ({
    name: 'n',
    task: 'faq',
    index: true,
    cron: '0 2 * * *',
    timeZone: 'Europe/Berlin',
    ...more,
  })
  const send = (body: unknown, headers: Record<string, string> = {}) =>
    api.post('/v1/document-sets/schedules', body, { key: keyOf('ingest'), headers })

  test('are made, listed with their next time in their zone, and removed', async () => {
    const made = await send(nightly({ query: { changedSince: 'last-run' } }), { 'idempotency-key': 's-1' })
    expect(made.statusCode).toBe(201)
    const schedule = made.json()
    expect(schedule).toMatchObject({
      cron: '0 2 * * *',
      timeZone: 'Europe/Berlin',
      query: { changedSince: 'last-run' },
      lane: 'offline',
    })
    const hour = new Intl.DateTimeFormat('en', { timeZone: 'Europe/Berlin', hour: 'numeric', hourCycle: 'h23' })
    expect(hour.format(new Date(schedule.nextAt))).toBe('02')
    const list = () => api.get('/v1/document-sets/schedules', { key: keyOf('read') }).then((one) => one.json().schedules)
    expect(await list()).toEqual([schedule])
    const remove = (key: string) => api.send('DELETE', `/v1/document-sets/schedules/${schedule.scheduleId}`, { key })
    expect(problemIn(await remove(keyOf('admin', 'other'))).status).toBe(404)
    expect((await remove(keyOf('ingest'))).statusCode).toBe(204)
    expect(await list()).toEqual([])
    expect(problemIn(await remove(keyOf('ingest'))).status).toBe(404)
  })

  test.each([
    ['a cron expression that is none', { cron: 'at night' }, 'cron'],
    ['seconds', { cron: '* * * * * *' }, 'cron'],
    ['an hour that does not exist', { cron: '0 25 * * *' }, 'cron'],
    ['a day that never comes', { cron: '0 0 30 2 *' }, 'cron'],
    ['an unknown time zone', { timeZone: 'Mars/Olympus' }, 'timeZone'],
    ['documents of its own', { documents: ['kb-1'] }, 'documents'],
  ])('refuse %s', async (_what, change, field) => {
    expect(fields(await send(nightly(change)))).toContain(field)
  })
})
