import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encryptedPdf, sampleDocx, samplePdf, zipOf } from '#test/fakes/sample-files.ts'
import { ADMIN_KEY, type Api, keyOf, problemIn, startApi } from './start-api.ts'

let api: Api
beforeAll(async () => {
  api = await startApi({ limits: { maxUploadBytes: 300_000 } })
}, 60_000)
afterAll(() => api.close())

type Part = { readonly bytes: Uint8Array | string; readonly name?: string; readonly type?: string }

/** As a browser or curl would send it. */
async function upload(file: Part | undefined, fields: Record<string, string> = {}, headers: Record<string, string> = {}) {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  if (file) form.append('file', new Blob([file.bytes as never], { type: file.type ?? '' }), file.name ?? 'file')
  const encoded = new Response(form)
  return api.app.inject({
    method: 'POST',
    url: '/v1/documents',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': encoded.headers.get('content-type')!, ...headers },
    payload: Buffer.from(await encoded.arrayBuffer()),
  })
}
const view = async (id: string) => (await api.get(`/v1/documents/${id}`)).json()
const originalOf = async (id: string) =>
  api.deps.documents
    .get('default', id)
    .then((document) =>
      api.database.forTenant(
        'default',
        'SELECT bytes FROM document_originals WHERE tenant_id = $1 AND document_id = $2 AND content_hash = $3',
        [id, document!.contentHash],
      ),
    )

describe('an upload', () => {
  test('of each format is taken with its fields, and its bytes are kept as they came', async () => {
    const pdf = await samplePdf([{ heading: 'Hub', lines: ['A hub.'] }])
    const fields = {
      id: 'manual',
      title: 'Manual',
      product: 'hub',
      audience: 'internal',
      metadata: '{"team":"a"}',
      chunking: '{"preset":"faq"}',
    }
    const reply = await upload({ bytes: pdf, name: 'manual.pdf', type: 'application/pdf' }, fields)
    expect(reply.statusCode).toBe(202)
    expect(reply.json()).toMatchObject({ documentId: 'manual', state: 'queued', unchanged: false })
    expect(await view('manual')).toMatchObject({
      title: 'Manual',
      contentType: 'application/pdf',
      audience: 'internal',
      product: 'hub',
    })
    expect(Buffer.compare((await originalOf('manual'))[0]!.bytes as Uint8Array, pdf)).toBe(0)
    for (const [name, bytes, type] of [
      ['a.docx', await sampleDocx(), 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
      ['a.html', '<!doctype html><p>Hi</p>', 'text/html'],
      ['a.md', '# Hi', 'text/markdown'],
      ['a.txt', 'Hi', 'text/plain'],
      ['a', 'Hi', 'text/markdown'],
    ] as const) {
      const id = `of-${name}`
      expect((await upload({ bytes, name, type: 'application/octet-stream' }, { id })).statusCode).toBe(202)
      expect((await view(id)).contentType).toBe(type)
    }
  })

  test('of the same bytes is no work; other bytes are', async () => {
    const send = (bytes: string) => upload({ bytes, name: 'x.md' }, { id: 'same' })
    const first = (await send('# One')).json()
    expect((await send('# One')).json()).toMatchObject({ runId: first.runId, unchanged: true })
    expect((await send('# Two')).json()).toMatchObject({ unchanged: false })
    await api.post('/v1/documents', { id: 'same', text: 'now as text' })
    expect(await originalOf('same')).toEqual([])
  })

  test('may be repeated under its key, and the key may not be used for another file', async () => {
    const send = (bytes: string) => upload({ bytes, name: 'x.md' }, { id: 'keyed' }, { 'idempotency-key': 'upload-1' })
    const first = await send('# One')
    const again = await send('# One')
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(again.body).toBe(first.body)
    expect(problemIn(await send('# Two'))).toMatchObject({ status: 422, code: 'idempotency-key-reused' })
  })

  test.each([
    ['a picture called PDF', { bytes: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0]), name: 'a.pdf' }, 'document-type-mismatch'],
    ['a PDF called Markdown', { bytes: '%PDF-1.7\n', name: 'a.pdf', type: 'text/markdown' }, 'document-type-mismatch'],
    ['text called DOCX', { bytes: 'hello', name: 'a.docx' }, 'document-type-mismatch'],
    ['an archive', { bytes: zipOf([]), name: 'a.zip' }, 'document-type-unsupported'],
    [
      'a picture that says so',
      { bytes: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0]), name: 'a.png', type: 'image/png' },
      'document-type-unsupported',
    ],
    ['a table', { bytes: 'a,b', name: 'a.csv', type: 'text/csv' }, 'document-type-unsupported'],
    ['a picture', { bytes: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0]), name: 'a.jpg' }, 'document-type-unsupported'],
  ])('of %s is refused as 415, and nothing is stored', async (_, file, code) => {
    expect(problemIn(await upload(file, { id: 'wrong' }))).toMatchObject({ status: 415, code })
    expect((await api.get('/v1/documents/wrong')).statusCode).toBe(404)
  })

  test('without a file, with an empty one, with fields that do not fit or a type nobody knows is refused by field', async () => {
    const fieldOf = async (reply: ReturnType<typeof upload>) => problemIn(await reply).errors?.[0]?.field
    expect(await fieldOf(upload(undefined, { id: 'x' }))).toBe('file')
    expect(await fieldOf(upload({ bytes: '', name: 'x.md' }))).toBe('file')
    expect(await fieldOf(upload({ bytes: 'x' }, { audience: 'everybody' }))).toBe('audience')
    expect(await fieldOf(upload({ bytes: 'x' }, { metadata: '{' }))).toBe('metadata')
    expect(await fieldOf(upload({ bytes: 'x' }, { audiance: 'public' }))).toBe('audiance')
    expect(await fieldOf(upload({ bytes: 'x', type: 'application/x-sh' }))).toBe('contentType')
    expect(await fieldOf(upload({ bytes: 'x' }, { title: 'a\u0000b' }))).toBe('title')
  })

  test('above the limit, declared or not, is 413; a torn one is 400', async () => {
    expect(problemIn(await upload({ bytes: Buffer.alloc(400_000, 97), name: 'x.txt' }))).toMatchObject({
      status: 413,
      code: 'body-too-large',
    })
    expect(problemIn(await upload({ bytes: Buffer.alloc(2_000_000, 97), name: 'x.txt' }))).toMatchObject({ status: 413 })
    const torn = await api.app.inject({
      method: 'POST',
      url: '/v1/documents',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'multipart/form-data; boundary=x' },
      payload: '--x\r\ncontent-disposition: form-data; name="file"; filename="a.md"\r\n\r\nhalf',
    })
    expect(problemIn(torn)).toMatchObject({ status: 400, code: 'malformed-body' })
  })
})

test('100 MB are refused while they stream in: memory does not grow with them', async () => {
  const address = await api.app.listen({ port: 0, host: '127.0.0.1' })
  let sent = 0
  const head = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from(head)),
    pull(controller) {
      if (sent >= 100 * 1_048_576) return controller.close()
      sent += 65_536
      controller.enqueue(Buffer.alloc(65_536, 97))
    },
  })
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'multipart/form-data; boundary=x' }
  const status = await fetch(`${address}/v1/documents`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit).then(
    (response) => response.status,
    // The server hangs up on a client that goes on sending; whether the reply is read before that is up to the client.
    () => 413,
  )
  expect(status).toBe(413)
  expect(sent).toBeLessThan(60 * 1_048_576)
}, 30_000)

describe('JSON', () => {
  test('brings other formats as base64, looks at what they are, and tells HTML from Markdown by itself', async () => {
    const base64 = Buffer.from(encryptedPdf()).toString('base64')
    expect((await api.post('/v1/documents', { id: 'b64', base64 })).statusCode).toBe(202)
    expect((await view('b64')).contentType).toBe('application/pdf')
    expect(problemIn(await api.post('/v1/documents', { base64, contentType: 'text/plain' }))).toMatchObject({ status: 415 })
    await api.post('/v1/documents', { id: 'page', text: '<!doctype html><html><body>Hi</body></html>' })
    expect((await view('page')).contentType).toBe('text/html')
    const lied = await api.post('/v1/documents', { text: '<html><script>x</script></html>', contentType: 'text/markdown' })
    expect(problemIn(lied)).toMatchObject({ status: 415, code: 'document-type-mismatch' })
  })
})

describe('the state of documents', () => {
  const fail = (id: string) =>
    api.database.forTenant(
      'default',
      `UPDATE documents SET state = 'failed', error_code = 'document-encrypted', error_reason = 'locked' WHERE tenant_id = $1 AND id = $2`,
      [id],
    )

  test('is listed with the reason, page by page, for its own tenant only', async () => {
    for (const id of ['list-1', 'list-2', 'list-3']) await api.post('/v1/documents', { id, text: id })
    await fail('list-2')
    const failed = (await api.get('/v1/documents?state=failed')).json()
    expect(failed.documents).toEqual([
      expect.objectContaining({ documentId: 'list-2', state: 'failed', error: { code: 'document-encrypted', reason: 'locked' } }),
    ])
    const first = (await api.get('/v1/documents?limit=1&after=list-0')).json()
    expect(first).toMatchObject({ documents: [{ documentId: 'list-1' }], next: 'list-1' })
    expect((await api.get(`/v1/documents?limit=1&after=${first.next}`)).json().documents[0].documentId).toBe('list-2')
    expect((await api.get('/v1/documents', { key: keyOf('read', 'other') })).json()).toEqual({ documents: [], next: null })
  })

  test('is queued again by a retry, once, and only when it rests', async () => {
    const { runId } = (await api.post('/v1/documents', { id: 'again', text: 'again' })).json()
    expect(problemIn(await api.post('/v1/documents/again/retry'))).toMatchObject({ status: 409, code: 'document-in-progress' })
    await fail('again')
    const retried = await api.post('/v1/documents/again/retry')
    expect(retried.statusCode).toBe(202)
    expect(retried.json().runId).not.toBe(runId)
    expect(await view('again')).toMatchObject({ state: 'queued', error: null })
    await expect
      .poll(() => api.dispatcher.jobs)
      .toContainEqual(expect.objectContaining({ runId: retried.json().runId, step: 'parse' }))
    expect(problemIn(await api.post('/v1/documents/again/retry'))).toMatchObject({ status: 409 })
    expect(problemIn(await api.post('/v1/documents/nobody/retry'))).toMatchObject({ status: 404 })
    expect(problemIn(await api.post('/v1/documents/again/retry', undefined, { key: keyOf('ingest', 'other') }))).toMatchObject({
      status: 404,
    })
  })

  test('takes the run that was to index it with it when it is deleted', async () => {
    const { runId } = (await api.post('/v1/documents', { id: 'short-lived', text: 'words' })).json()
    expect((await api.send('DELETE', '/v1/documents/short-lived')).statusCode).toBe(204)
    expect(await api.deps.runs.load(runId)).toMatchObject({ status: 'cancelled' })
    expect((await api.send('DELETE', '/v1/documents/short-lived')).statusCode).toBe(404)
  })

  test('is kept apart by tenant: one id, two documents', async () => {
    await api.post('/v1/documents', { id: 'shared-name', text: 'ours' })
    await api.post('/v1/documents', { id: 'shared-name', text: 'theirs' }, { key: keyOf('ingest', 'other') })
    expect((await api.deps.documents.get('default', 'shared-name'))?.text).toBe('ours')
    expect((await api.deps.documents.get('other', 'shared-name'))?.text).toBe('theirs')
    await api.send('DELETE', '/v1/documents/shared-name', { key: keyOf('ingest', 'other') })
    expect((await view('shared-name')).state).toBe('queued')
  })
})
