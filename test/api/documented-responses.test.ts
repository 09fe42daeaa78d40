import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, startApi } from './start-api.ts'

const chunk = { id: 'c', documentId: 'd', version: 'v', position: 0, title: 't', section: [], text: 'x', start: 0, end: 1 }
const candidate = {
  chunk: { ...chunk, tokens: 1, audience: 'public' as const },
  dense: { rank: 1, score: 0.5 },
  sparse: { rank: 1, score: 0.5, signals: [1, 2, 3] },
  fused: 0.1,
}

let api: Api
let documented: Record<string, Record<string, { responses: Record<string, { content: Record<string, { schema: object }> }> }>>
beforeAll(async () => {
  const searcher = { search: async () => ({ passages: [], evidence: 0, failedLegs: [], candidates: [candidate] }) }
  api = await startApi({ searcher })
  documented = (await api.app.inject('/docs/json')).json().paths
}, 60_000)
afterAll(() => api.close())

/** Clients are generated from the OpenAPI document: what we send must be what it says, to the field. */
test('what routes answer is what the OpenAPI document says, without a field more or less', async () => {
  const { ticketId, runId } = (await api.post('/v1/tickets', { body: 'hello' })).json()
  const { documentId } = (await api.post('/v1/documents', { text: '# Hello' })).json()
  const { documentSetId } = (await api.post('/v1/document-sets', { name: 's', task: 'faq', documents: [{ text: 'a' }] })).json()
  const wrong: string[] = []
  for (const [method, path, url, body] of [
    ['get', '/v1/tickets/{id}', `/v1/tickets/${ticketId}`],
    ['get', '/v1/runs/{id}', `/v1/runs/${runId}`],
    ['get', '/v1/documents/{id}', `/v1/documents/${documentId}`],
    ['get', '/v1/documents', '/v1/documents'],
    ['get', '/v1/document-sets/{id}', `/v1/document-sets/${documentSetId}`],
    ['get', '/v1/document-sets', '/v1/document-sets'],
    ['get', '/v1/escalations', '/v1/escalations'],
    ['get', '/v1/dead-letters', '/v1/dead-letters'],
    ['get', '/v1/tenants/{id}', '/v1/tenants/default'],
    ['get', '/v1/tenants/{id}/keys', '/v1/tenants/default/keys'],
    ['get', '/v1/usage', '/v1/usage?by=day'],
    ['get', '/v1/batches', '/v1/batches'],
    ['get', '/healthz', '/healthz'],
    ['get', '/v1/tickets/{id}', '/v1/tickets/none'],
    ['post', '/v1/search', '/v1/search', { query: 'hello', explain: true }],
    ['post', '/v1/search', '/v1/search', {}],
    ['post', '/v1/tickets/{id}/cancel', `/v1/tickets/${ticketId}/cancel`],
  ] as const) {
    const response = method === 'get' ? await api.get(url) : await api.post(url, body)
    const { responses } = documented[path]![method]!
    const told = responses[response.statusCode] ?? responses[`${Math.floor(response.statusCode / 100)}XX`]
    const { schema } = Object.values(told!.content)[0]!
    const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
    if (!ajv.validate(schema, response.json())) wrong.push(`${method} ${url} ${response.statusCode}: ${ajv.errorsText()}`)
  }
  expect(wrong).toEqual([])
})
