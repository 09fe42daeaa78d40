import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, keyOf, problemIn, startApi } from './start-api.ts'

let api: Api
beforeAll(async () => {
  api = await startApi()
}, 60_000)
afterAll(() => api.close())

const everything = async () => {
  const tables = ['attempts', 'tickets', 'feedback', 'conversations', 'audit_log']
  const rows = await Promise.all(tables.map((table) => api.database.asSystem('a test looks at all', `SELECT * FROM ${table}`)))
  return JSON.stringify(rows)
}

test('a customer is erased once their tickets are at rest: words go, counts stay, and asking again changes nothing', async () => {
  const requester = { id: 'c-quarles', name: 'Tabitha Quarles', email: 'tabitha@quarles.example' }
  const made = await api.post('/v1/tickets', { body: 'The kettle of Tabitha leaks.', requester })
  const other = await api.post('/v1/tickets', { body: 'Mine works.', requester: { id: 'c-else' } })
  expect([made.statusCode, other.statusCode]).toEqual([202, 202])
  const { ticketId } = made.json()
  const erase = () => api.send('DELETE', '/v1/customers/c-quarles')
  expect((await erase()).json()).toEqual({ tickets: 0, inProgress: 1 })

  await api.database.asSystem('a test ends the runs', "UPDATE runs SET status = 'answered'")
  expect((await erase()).json()).toEqual({ tickets: 1, inProgress: 0 })
  expect((await erase()).json()).toEqual({ tickets: 0, inProgress: 0 })
  const left = await everything()
  for (const word of ['Tabitha', 'quarles', 'leaks']) expect(left).not.toContain(word)
  expect((await api.get(`/v1/tickets/${other.json().ticketId}`)).json()).toMatchObject({ ticket: { body: 'Mine works.' } })
  expect(left.match(/sealed\.v1/g)).toHaveLength(1)
  expect(left).toContain('customer.erased')
  expect((await api.get(`/v1/tickets/${ticketId}`)).json()).toMatchObject({ ticket: { body: 'erased' } })
})

test('nobody else’s customer is erased, and only by an operator or admin', async () => {
  const kept = await api.post('/v1/tickets', { body: 'Keep this text.', requester: { id: 'c-shared' } })
  await api.database.asSystem('a test ends the runs', "UPDATE runs SET status = 'answered'")
  const foreign = await api.send('DELETE', '/v1/customers/c-shared', { key: keyOf('operator', 'other') })
  expect(foreign.json()).toEqual({ tickets: 0, inProgress: 0 })
  expect((await api.get(`/v1/tickets/${kept.json().ticketId}`)).json()).toMatchObject({ ticket: { body: 'Keep this text.' } })
  expect(problemIn(await api.send('DELETE', '/v1/customers/c-shared', { key: keyOf('agent') })).status).toBe(403)
})
