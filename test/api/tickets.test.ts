import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TicketView } from '#api/ticket-view.ts'
import { type Api, keyOf, problemIn, startApi } from './start-api.ts'

let api: Api
beforeAll(async () => {
  api = await startApi()
}, 60_000)
afterAll(() => api.close())

const count = async (table: string) => Number((await api.database.asSystem('test', `SELECT count(*) AS n FROM ${table}`))[0]!.n)
const minimal = { body: 'How do I reset my hub?' }

describe('handing in a ticket', () => {
  test('is answered with ids, a status and links, and the run is durable with its first job dispatched', async () => {
    const response = await api.post('/v1/tickets', { ...minimal, subject: 'Hub', requester: { id: 'u1', email: 'a@b.example' } })
    expect(response.statusCode).toBe(202)
    const { ticketId, runId, status, links } = response.json()
    expect(status).toBe('accepted')
    expect(links).toMatchObject({ self: `/v1/tickets/${ticketId}`, events: `/v1/tickets/${ticketId}/events` })
    const run = await api.deps.runs.load(runId)
    expect(run).toMatchObject({ tenantId: 'default', status: 'queued', step: 'screen', subjectId: ticketId, lane: 'standard' })
    expect(run!.facts.ticket).toMatchObject({
      subject: 'Hub',
      body: minimal.body,
      channel: 'api',
      tier: 'standard',
      requester: { id: 'u1' },
    })
    expect(api.dispatcher.jobs).toContainEqual(
      expect.objectContaining({ runId, seq: 0, step: 'screen', pipeline: 'support-ticket' }),
    )
  })

  test('works while the queue is away: the sweeper dispatches later', async () => {
    api.dispatcher.fail = true
    const response = await api.post('/v1/tickets', minimal)
    await expect.poll(() => api.log.lines.map(({ message }) => message)).toContain('jobs were not dispatched; the sweeper will')
    api.dispatcher.fail = false
    expect(response.statusCode).toBe(202)
    expect((await api.deps.runs.load(response.json().runId))?.status).toBe('queued')
  })

  test('takes the trace that its producer began', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
    const response = await api.post('/v1/tickets', minimal, { headers })
    expect((await api.deps.runs.load(response.json().runId))?.traceId).toBe(traceId)
  })

  test('a chat is interactive unless it says otherwise', async () => {
    const chat = await api.post('/v1/tickets', { ...minimal, channel: 'chat' })
    const offline = await api.post('/v1/tickets', { ...minimal, channel: 'chat', lane: 'offline' })
    expect((await api.deps.runs.load(chat.json().runId))?.lane).toBe('interactive')
    expect((await api.deps.runs.load(offline.json().runId))?.lane).toBe('offline')
  })
})

describe('idempotency keys of tickets', () => {
  const keyed = (key: string) => ({ headers: { 'idempotency-key': key } })

  test('100 concurrent posts with one key make exactly one ticket, and all get the same bytes', async () => {
    const [tickets, runs, jobs] = [await count('tickets'), await count('runs'), api.dispatcher.jobs.length]
    const responses = await Promise.all(Array.from({ length: 100 }, () => api.post('/v1/tickets', minimal, keyed('once'))))
    expect(new Set(responses.map(({ statusCode }) => statusCode))).toEqual(new Set([202]))
    expect(new Set(responses.map(({ body }) => body)).size).toBe(1)
    expect(responses.filter(({ headers }) => headers['idempotency-replayed'] === 'true')).toHaveLength(99)
    expect(await count('tickets')).toBe(tickets + 1)
    expect(await count('runs')).toBe(runs + 1)
    await expect.poll(() => api.dispatcher.jobs.length).toBe(jobs + 1)
  })

  test('another body under a used key is refused, whatever the order of its fields', async () => {
    await api.post('/v1/tickets', { body: 'a', subject: 's' }, keyed('body'))
    const same = await api.post('/v1/tickets', { subject: 's', body: 'a' }, keyed('body'))
    expect(same.headers['idempotency-replayed']).toBe('true')
    const other = await api.post('/v1/tickets', { body: 'b', subject: 's' }, keyed('body'))
    expect(problemIn(other)).toMatchObject({ status: 422, code: 'idempotency-key-reused' })
  })

  test('two bodies under one key at the same moment: one wins, the other is told', async () => {
    const responses = await Promise.all(['x', 'y'].map((body) => api.post('/v1/tickets', { body }, keyed('race'))))
    expect(responses.map(({ statusCode }) => statusCode).toSorted()).toEqual([202, 422])
  })

  test('belong to their tenant', async () => {
    const mine = await api.post('/v1/tickets', minimal, { key: keyOf('ingest'), ...keyed('same') })
    const theirs = await api.post('/v1/tickets', minimal, { key: keyOf('ingest', 'other'), ...keyed('same') })
    expect(theirs.headers['idempotency-replayed']).toBeUndefined()
    expect(theirs.json().ticketId).not.toBe(mine.json().ticketId)
  })

  test('are kept for a day: after that the next request under one is a new ticket', async () => {
    const first = await api.post('/v1/tickets', { body: 'monday' }, keyed('daily'))
    api.clock.advance(24 * 3_600_000 - 1)
    expect((await api.post('/v1/tickets', { body: 'monday' }, keyed('daily'))).body).toBe(first.body)
    api.clock.advance(2)
    const next = await api.post('/v1/tickets', { body: 'tuesday' }, keyed('daily'))
    expect(next.statusCode).toBe(202)
    expect(next.json().ticketId).not.toBe(first.json().ticketId)
    expect(await api.deps.tickets.find('default', next.json().ticketId)).toBeDefined()
    expect((await api.post('/v1/tickets', { body: 'tuesday' }, keyed('daily'))).body).toBe(next.body)
  })

  test.each(['', 'k'.repeat(256)])('of no length or more than 255 characters are refused', async (key) => {
    expect(problemIn(await api.post('/v1/tickets', minimal, keyed(key)))).toMatchObject({
      status: 400,
      code: 'invalid-idempotency-key',
    })
  })

  test('of 255 characters are fine', async () => {
    expect((await api.post('/v1/tickets', minimal, keyed('k'.repeat(255)))).statusCode).toBe(202)
  })
})

describe('limits', () => {
  test('a tenant, and a requester within it, may send so many tickets a minute', async () => {
    const config = { limits: { ticketsPerMinute: 5, ticketsPerMinutePerUser: 2 } }
    expect((await api.send('PATCH', '/v1/tenants/other', { body: { config } })).statusCode).toBe(200)
    const from = (id: string) => api.post('/v1/tickets', { ...minimal, requester: { id } }, { key: keyOf('ingest', 'other') })
    api.clock.advance(600_000)
    const statuses = []
    for (const id of ['a', 'a', 'a', 'b', 'b', 'c', 'd']) statuses.push((await from(id)).statusCode)
    expect(statuses).toEqual([202, 202, 429, 202, 202, 202, 429])
    const refused = await from('e')
    expect(problemIn(refused)).toMatchObject({ status: 429, code: 'rate-limited' })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  })

  test('a tenant with plenty in the queues already has its next tickets wait in the log, save those that somebody waits for', async () => {
    api.load.crowded = true
    const waiting = await api.post('/v1/tickets', minimal)
    const chat = await api.post('/v1/tickets', { ...minimal, lane: 'interactive' })
    api.load.crowded = false
    expect([waiting.statusCode, chat.statusCode]).toEqual([202, 202])
    const dispatched = () => api.dispatcher.jobs.map(({ runId }) => runId)
    await expect.poll(dispatched, { timeout: 10_000 }).toContain(chat.json().runId)
    expect(dispatched()).not.toContain(waiting.json().runId)
    expect((await api.deps.runs.release(10)).map(({ id }) => id)).toContain(waiting.json().runId)
  })

  test('a full backlog is 429 for the tenant and 503 for the installation, both with retry-after', async () => {
    api.load.total = 100_000
    const tenant = await api.post('/v1/tickets', minimal)
    api.load.total = 1_000_000
    const installation = await api.post('/v1/tickets', minimal)
    api.load.total = 0
    expect(problemIn(tenant)).toMatchObject({ status: 429, code: 'backlog-full' })
    expect(problemIn(installation)).toMatchObject({ status: 503, code: 'overloaded' })
    for (const { headers } of [tenant, installation]) expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  })
})

describe('looking at a ticket', () => {
  test('shows its state, and what the customer wrote only to those who work on it', async () => {
    const input = { ...minimal, subject: 'Hub', requester: { id: 'u1', email: 'a@b.example' }, metadata: { plan: 'pro' } }
    const { ticketId } = (await api.post('/v1/tickets', input)).json()
    const agent = TicketView.parse((await api.get(`/v1/tickets/${ticketId}`, { key: keyOf('agent') })).json())
    expect(agent).toMatchObject({ ticketId, status: 'accepted', answer: null, verdict: null, escalation: null })
    expect(agent.ticket).toMatchObject({
      subject: 'Hub',
      body: minimal.body,
      requester: input.requester,
      metadata: { plan: 'pro' },
    })
    expect(agent.usage).toEqual({
      calls: 0,
      inputTokens: 0,
      outputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      costUsd: 0,
      cache: 'none',
    })
    const reader = TicketView.parse((await api.get(`/v1/tickets/${ticketId}`, { key: keyOf('read') })).json())
    expect(reader.ticket).toMatchObject({ subject: null, body: null, requester: { id: 'u1' }, metadata: null })
    expect(JSON.stringify(reader)).not.toContain('a@b.example')
  })

  test('of another tenant, or of nobody, is not found', async () => {
    const { ticketId, runId } = (await api.post('/v1/tickets', minimal)).json()
    for (const url of [`/v1/tickets/${ticketId}`, `/v1/tickets/${ticketId}/events`, `/v1/runs/${runId}`, '/v1/tickets/tkt_none'])
      expect(problemIn(await api.get(url, { key: keyOf('admin', 'other') }))).toMatchObject({ status: 404, code: 'not-found' })
    for (const [url, body] of [
      ['cancel', undefined],
      ['feedback', { rating: 'up' }],
    ] as const)
      expect(problemIn(await api.post(`/v1/tickets/${ticketId}/${url}`, body, { key: keyOf('admin', 'other') })).status).toBe(404)
  })
})

describe('cancelling and feedback', () => {
  test('cancels what runs; a repeat says the same, and what has ended otherwise cannot be cancelled', async () => {
    const { ticketId, runId } = (await api.post('/v1/tickets', minimal)).json()
    const cancelled = await api.post(`/v1/tickets/${ticketId}/cancel`)
    expect(cancelled.json()).toEqual({ ticketId, runId, status: 'cancelled' })
    expect((await api.deps.runs.load(runId))?.status).toBe('cancelled')
    expect((await api.post(`/v1/tickets/${ticketId}/cancel`)).statusCode).toBe(200)
    expect((await api.get(`/v1/tickets/${ticketId}`)).json().status).toBe('cancelled')
    const other = (await api.post('/v1/tickets', minimal)).json()
    await api.database.asSystem('test', "UPDATE runs SET status = 'answered' WHERE id = $1", [other.runId])
    expect(problemIn(await api.post(`/v1/tickets/${other.ticketId}/cancel`))).toMatchObject({
      status: 409,
      code: 'not-cancellable',
    })
  })

  test('keeps feedback, once per idempotency key', async () => {
    const { ticketId } = (await api.post('/v1/tickets', minimal)).json()
    const give = () =>
      api.post(
        `/v1/tickets/${ticketId}/feedback`,
        { rating: 'down', comment: 'no' },
        { headers: { 'idempotency-key': `fb-${ticketId}` } },
      )
    const [first, again] = [await give(), await give()]
    expect(first.statusCode).toBe(201)
    expect(again.body).toBe(first.body)
    expect(again.headers['idempotency-replayed']).toBe('true')
    const rows = await api.database.asSystem('test', 'SELECT rating, comment FROM feedback WHERE ticket_id = $1', [ticketId])
    expect(rows).toEqual([{ rating: 'down', comment: expect.stringMatching(/^sealed\.v1\./) }])
  })
})
