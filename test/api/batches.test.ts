import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { statusLines } from '#cli/commands/batch.ts'
import { type Api, keyOf, problemIn, startApi } from './start-api.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
let api: Api
let collected = 0
beforeAll(async () => {
  const collectBatches = async () => ++collected
  api = await startApi({ webhookSecrets: { openai: SECRET }, collectBatches })
  const insert = `INSERT INTO batches (id, provider, model, endpoint, state, requests, bytes, input_tokens, remote_id, remote_status, completed, due_at, created_at)
    VALUES ('bat_open', 'openai', 'gpt-6-luna', '/v1/chat/completions', 'submitted', 4, 4000, 1000, 'batch_remote', 'in_progress', 1, now() + interval '1 hour', now()),
      ('bat_done', 'openai', 'gpt-6-luna', '/v1/chat/completions', 'done', 2, 2000, 500, 'batch_gone', 'completed', 2, now(), now())`
  await api.database.asSystem('the test begins with two batches', insert)
}, 60_000)
afterAll(() => api.close())

const seqOf = async (id: string) =>
  Number((await api.database.asSystem('the test looks', 'SELECT seq FROM batches WHERE id = $1', [id]))[0]!.seq)

test('operators of the installation see batches, others do not', async () => {
  const overview = (await api.get('/v1/batches', { key: keyOf('operator') })).json()
  expect(overview.batches.map(({ id }: { id: string }) => id).toSorted()).toEqual(['bat_done', 'bat_open'])
  expect(overview.figures).toMatchObject({ spillRatio: 0, costUsd: 0, savedUsd: 0 })
  expect((await api.get('/v1/batches/bat_open')).json()).toMatchObject({
    state: 'submitted',
    providerStatus: 'in_progress',
    completed: 1,
  })
  expect(problemIn(await api.get('/v1/batches/bat_none'))).toMatchObject({ status: 404 })
  expect(problemIn(await api.get('/v1/batches', { key: keyOf('operator', 'other') }))).toMatchObject({ status: 403 })
  expect(problemIn(await api.get('/v1/batches', { key: keyOf('read') }))).toMatchObject({ status: 403 })
  const lines = statusLines(overview, new Date())
  expect(lines.find((line) => line.includes('bat_open'))).toMatch(/in_progress.*█{6}░{18} 1\/4/)
})

test('an operator sends what waits and cancels an open batch, but not one that is done', async () => {
  expect((await api.post('/v1/batches/run', {}, { key: keyOf('operator') })).json()).toEqual({ packed: 1 })
  const before = await seqOf('bat_open')
  expect((await api.post('/v1/batches/bat_open/cancel', {}, { key: keyOf('operator') })).statusCode).toBe(202)
  expect(await seqOf('bat_open')).toBe(before + 1)
  expect(api.dispatcher.jobs.at(-1)).toMatchObject({ runId: 'bat_open', seq: before + 1, pipeline: 'batch', step: 'advance' })
  expect((await api.get('/v1/batches/bat_open')).json()).toMatchObject({ cancelRequested: true })
  expect(problemIn(await api.post('/v1/batches/bat_done/cancel', {}))).toMatchObject({ status: 409, code: 'batch-done' })
  expect(problemIn(await api.post('/v1/batches/bat_open/cancel', {}, { key: keyOf('operator', 'other') }))).toMatchObject({
    status: 403,
  })
})

function deliver(id: string, body: object, { secret = SECRET, at = new Date(), provider = 'openai' } = {}) {
  const payload = JSON.stringify(body)
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, at, payload),
  }
  return api.app.inject({ method: 'POST', url: `/webhooks/${provider}`, headers, payload })
}
const ended = { id: 'evt', object: 'event', type: 'batch.completed', created_at: 1, data: { id: 'batch_remote' } }

test("a provider's signed word makes the batch be looked at once, however often it is delivered", async () => {
  const before = await seqOf('bat_open')
  expect((await deliver('evt_1', ended)).json()).toEqual({ received: true, repeated: false, known: true })
  expect(await seqOf('bat_open')).toBe(before + 1)
  expect((await deliver('evt_1', ended)).json()).toEqual({ received: true, repeated: true, known: false })
  expect(await seqOf('bat_open')).toBe(before + 1)
  expect((await deliver('evt_2', { ...ended, data: { id: 'batch_of_somebody' } })).json()).toMatchObject({ known: false })
})

test('a webhook with a wrong, old, future or missing signature is refused and does nothing', async () => {
  const before = await seqOf('bat_open')
  const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
  expect(problemIn(await deliver('evt_3', ended, { secret: other }))).toMatchObject({ status: 401, code: 'bad-signature' })
  for (const shiftMs of [-600_000, 86_400_000])
    expect(problemIn(await deliver('evt_4', ended, { at: new Date(Date.now() + shiftMs) }))).toMatchObject({ status: 401 })
  const bare = {
    method: 'POST',
    url: '/webhooks/openai',
    headers: { 'content-type': 'application/json' },
    payload: '{}',
  } as const
  expect(problemIn(await api.app.inject(bare))).toMatchObject({ status: 401 })
  expect(problemIn(await deliver('evt_5', { hello: 1 }))).toMatchObject({ status: 422 })
  expect(problemIn(await deliver('evt_6', ended, { provider: 'anthropic' }))).toMatchObject({ status: 404 })
  expect(await seqOf('bat_open')).toBe(before)
})
