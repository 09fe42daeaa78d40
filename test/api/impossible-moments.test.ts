import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, problemIn, startApi } from './start-api.ts'

let api: Api
beforeAll(async () => {
  api = await startApi()
}, 60_000)
afterAll(() => api.close())

const named = (response: Parameters<typeof problemIn>[0]) => {
  const { status, code, errors } = problemIn(response)
  return { status, code, fields: errors?.map(({ field }) => field) }
}

test.each([
  ['to=0000-01-01', ['to']],
  ['to=0001-01-01', ['to']],
  ['from=0000-01-01&to=0000-06-01', ['from', 'to']],
  ['from=9999-06-01T00:00:00-23:59&to=9999-12-31T23:59:59-23:59', ['to']],
])('usage between dates that no database holds is refused by name: %s', async (query, fields) => {
  expect(named(await api.get(`/v1/usage?${query}`))).toEqual({ status: 422, code: 'invalid-request', fields })
})

test('a key cannot end after the year 9999', async () => {
  const key = { name: 'k', roles: ['read'], expiresAt: '9999-12-31T23:59:59-23:59' }
  const fields = ['expiresAt']
  expect(named(await api.post('/v1/tenants/other/keys', key))).toEqual({ status: 422, code: 'invalid-request', fields })
})

test.each(['0000-01-01T00:00:00Z', '9999-12-31T23:59:59-23:59', '0001-01-01T00:00:00+23:59'])(
  'a date that only the database finds impossible is the client’s mistake, and its field is named: %s',
  async (changedSince) => {
    const set = { name: 's', task: 'summarise', query: { changedSince } }
    const fields = ['query.changedSince']
    expect(named(await api.post('/v1/document-sets', set))).toEqual({ status: 422, code: 'invalid-request', fields })
    expect(api.telemetry.defects).toEqual([])
  },
)
