import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SearchRequest } from '#shared/ports/searcher.ts'
import { samplePassage } from '#test/fakes/sample-facts.ts'
import { type Api, keyOf, problemIn, startApi } from './start-api.ts'

let api: Api
beforeAll(async () => {
  api = await startApi()
}, 60_000)
afterAll(() => api.close())

const inHours = (hours: number) => new Date(api.clock.now().getTime() + hours * 3_600_000)

/** A ticket as it is when `escalate` has handed it over: the run waits, the escalation is open. */
async function escalated(
  tenantId = 'default',
  failed = false,
): Promise<{ ticketId: string; runId: string; escalationId: string; letterId: string }> {
  const accepted = await api.post('/v1/tickets', { body: 'I want a person, a@b.example' }, { key: keyOf('ingest', tenantId) })
  const { ticketId, runId } = accepted.json()
  const failure = { kind: 'terminal', code: 'model-refused', message: 'the model refused: a@b.example' } as const
  const steps = failed
    ? [{ kind: 'failed', failure } as const]
    : [{ kind: 'completed', outcome: 'blocked', facts: { screened: screened() } } as const]
  for (const event of steps) await api.deps.mover.move(runId, event, 'test-worker')
  const handover = { escalationId: `esc_${runId}`, reason: 'asked for', summary: 'wants a person', severity: 'P2' }
  const open = {
    id: handover.escalationId,
    tenantId,
    runId,
    ticketId,
    visit: 1,
    severity: 'P2',
    reason: handover.reason,
    summary: handover.summary,
  }
  await api.deps.escalations.open({ ...open, evidence: [], createdAt: api.clock.now(), expiresAt: inHours(72) })
  await api.deps.mover.move(runId, { kind: 'waiting', until: inHours(72), facts: { handover } }, 'test-worker')
  const [letter] = await api.deps.runs.deadLetters(tenantId, { limit: 1, open: true })
  return { ticketId, runId, escalationId: handover.escalationId, letterId: letter?.id ?? '' }
}

const screened = () => ({
  subject: '',
  text: 'I want a person, [EMAIL_1]',
  language: 'en',
  languageConfidence: 1,
  placeholders: [{ token: '[EMAIL_1]', type: 'EMAIL', value: 'a@b.example' }],
  injection: { score: 0, rules: [] },
  reasons: ['test'],
  truncated: false,
})

describe('the human queue', () => {
  test('lists what is open, and a resolution with an answer sends the run on with that answer', async () => {
    const { ticketId, runId, escalationId } = await escalated()
    const agent = { key: keyOf('agent') }
    const list = (await api.get('/v1/escalations', agent)).json().escalations
    expect(list.map((one: { id: string }) => one.id)).toContain(escalationId)
    const first = (await api.get('/v1/escalations?limit=1', agent)).json()
    expect(first.next).toBe(first.escalations[0].id)
    const behind = (await api.get(`/v1/escalations?limit=500&after=${first.next}`, agent)).json()
    expect([...first.escalations, ...behind.escalations]).toEqual(list)
    expect(behind.next).toBeNull()
    expect((await api.get(`/v1/tickets/${ticketId}`, agent)).json()).toMatchObject({
      status: 'escalated',
      escalation: { id: escalationId },
    })
    expect((await api.post(`/v1/escalations/${escalationId}/claim`, undefined, agent)).json().claimedBy).toBe('key_default-agent')
    const resolved = await api.post(
      `/v1/escalations/${escalationId}/resolve`,
      { decision: 'answer', text: 'Here is how.' },
      agent,
    )
    expect(resolved.json()).toMatchObject({ resolution: 'answered', resolvedBy: 'key_default-agent' })
    const run = await api.deps.runs.load(runId)
    expect(run).toMatchObject({ status: 'running', step: 'deliver' })
    expect(run!.facts.answer).toMatchObject({ text: 'Here is how.', by: 'person', citations: [] })
    expect(run!.facts.ruling).toMatchObject({ decision: 'answer', by: 'key_default-agent' })
    expect(problemIn(await api.post(`/v1/escalations/${escalationId}/resolve`, { decision: 'dismiss' }, agent))).toMatchObject({
      status: 409,
      code: 'already-resolved',
    })
  })

  test('a dismissal closes the ticket', async () => {
    const { ticketId, escalationId } = await escalated()
    expect((await api.post(`/v1/escalations/${escalationId}/resolve`, { decision: 'dismiss', reason: 'spam' })).statusCode).toBe(
      200,
    )
    expect((await api.get(`/v1/tickets/${ticketId}`)).json()).toMatchObject({
      status: 'closed',
      answer: null,
      escalation: { resolution: 'dismissed' },
    })
  })

  test('an answer without text is refused before anything happens', async () => {
    const { escalationId, runId } = await escalated()
    for (const text of [undefined, '', '   ']) {
      const problem = problemIn(await api.post(`/v1/escalations/${escalationId}/resolve`, { decision: 'answer', text }))
      expect(problem).toMatchObject({ status: 422, errors: [{ field: 'text' }] })
    }
    expect((await api.deps.runs.load(runId))?.status).toBe('waiting')
  })

  test('what another agent has claimed is theirs, except for operators', async () => {
    const { escalationId } = await escalated()
    await api.deps.escalations.claim('default', escalationId, 'key_somebody', api.clock.now())
    const agent = { key: keyOf('agent') }
    expect(problemIn(await api.post(`/v1/escalations/${escalationId}/claim`, undefined, agent))).toMatchObject({
      status: 409,
      code: 'claimed-by-another',
    })
    expect(problemIn(await api.post(`/v1/escalations/${escalationId}/resolve`, { decision: 'dismiss' }, agent)).status).toBe(409)
    const operator = await api.post(
      `/v1/escalations/${escalationId}/resolve`,
      { decision: 'dismiss' },
      { key: keyOf('operator') },
    )
    expect(operator.json()).toMatchObject({ resolution: 'dismissed' })
  })

  test('two resolutions at once: one counts', async () => {
    const { escalationId } = await escalated()
    const resolve = (text: string) => api.post(`/v1/escalations/${escalationId}/resolve`, { decision: 'answer', text })
    const statuses = (await Promise.all([resolve('one'), resolve('two')])).map(({ statusCode }) => statusCode)
    expect(statuses.toSorted()).toEqual([200, 409])
  })

  test('of another tenant is not found', async () => {
    const { escalationId } = await escalated('other')
    for (const path of ['claim', 'resolve'])
      expect(problemIn(await api.post(`/v1/escalations/${escalationId}/${path}`, { decision: 'dismiss' })).status).toBe(404)
    expect((await api.get('/v1/escalations')).json().escalations.map((one: { id: string }) => one.id)).not.toContain(escalationId)
  })

  test('cancelling withdraws the escalation', async () => {
    const { ticketId } = await escalated()
    await api.post(`/v1/tickets/${ticketId}/cancel`)
    expect((await api.get(`/v1/tickets/${ticketId}`)).json()).toMatchObject({
      status: 'cancelled',
      escalation: { resolution: 'cancelled' },
    })
  })
})

describe('the timeline of a run', () => {
  test('tells every attempt, and what the customer wrote only to those who work on tickets', async () => {
    const { runId } = await escalated()
    const operator = (await api.get(`/v1/runs/${runId}`, { key: keyOf('operator') })).json()
    expect(operator.attempts.map((one: { result: string }) => one.result)).toEqual(['accepted', 'blocked', 'waiting'])
    expect(JSON.stringify(operator)).toContain('a@b.example')
    const reader = await api.get(`/v1/runs/${runId}`, { key: keyOf('read') })
    expect(reader.body).not.toContain('a@b.example')
    expect(reader.body).toContain('[EMAIL_1]')
  })

  test('hides from readers what a failure quotes', async () => {
    const { runId } = await escalated('default', true)
    const reader = await api.get(`/v1/runs/${runId}`, { key: keyOf('read') })
    expect(reader.json().attempts[1].failure).toMatchObject({ code: 'model-refused', message: null })
    expect(reader.body).not.toContain('a@b.example')
  })
})

describe('dead letters', () => {
  test('are listed, and a redrive sends the step round again and withdraws the escalation', async () => {
    const { runId, ticketId, letterId } = await escalated('other', true)
    const operator = { key: keyOf('operator', 'other') }
    const { deadLetters } = (await api.get('/v1/dead-letters', operator)).json()
    expect(deadLetters[0]).toMatchObject({ id: letterId, runId, step: 'screen', code: 'model-refused', redrivenAt: null })
    const redriven = await api.post('/v1/dead-letters/redrive', { ids: [letterId, 'dl_none'] }, operator)
    expect(redriven.json()).toEqual({
      redriven: 1,
      results: [
        { id: letterId, runId, redriven: true, reason: null },
        { id: 'dl_none', runId: null, redriven: false, reason: expect.stringContaining('no open dead letter') },
      ],
    })
    expect(await api.deps.runs.load(runId)).toMatchObject({ status: 'running', step: 'screen', attempt: 1 })
    expect((await api.get(`/v1/tickets/${ticketId}`, { key: keyOf('agent', 'other') })).json().escalation.resolution).toBe(
      'withdrawn',
    )
    expect((await api.get('/v1/dead-letters', operator)).json().deadLetters).toEqual([])
    expect((await api.get('/v1/dead-letters?open=false', operator)).json().deadLetters).toHaveLength(1)
  })

  test('by code, of this tenant only, and no more than the limit', async () => {
    for (let i = 0; i < 3; i++) await escalated('other', true)
    const operator = { key: keyOf('operator', 'other') }
    expect((await api.post('/v1/dead-letters/redrive', { code: 'something-else' }, operator)).json().redriven).toBe(0)
    expect((await api.post('/v1/dead-letters/redrive', { code: 'model-refused', limit: 2 }, operator)).json().redriven).toBe(2)
    expect((await api.post('/v1/dead-letters/redrive', { step: 'screen' }, operator)).json().redriven).toBe(1)
  })
})

describe('documents', () => {
  const document = { id: 'kb-1', title: 'Hub', text: '# Hub\n\nPress the button.' }

  test('are taken in with a run; the same again is no work; a change is', async () => {
    const first = (await api.post('/v1/documents', document)).json()
    expect(first).toMatchObject({ documentId: 'kb-1', state: 'queued', unchanged: false })
    await expect
      .poll(() => api.dispatcher.jobs)
      .toContainEqual(expect.objectContaining({ runId: first.runId, pipeline: 'index-document', step: 'parse' }))
    const again = await api.post('/v1/documents', document)
    expect(again.statusCode).toBe(202)
    expect(again.json()).toMatchObject({ runId: first.runId, unchanged: true })
    const changed = (await api.post('/v1/documents', { ...document, text: 'Press it twice.' })).json()
    expect(changed.runId).not.toBe(first.runId)
    expect((await api.get('/v1/documents/kb-1')).json()).toMatchObject({
      documentId: 'kb-1',
      state: 'queued',
      error: null,
      chunkCount: 0,
    })
  })

  test('without an id are named by their address, or by their content', async () => {
    const byUrl = (text: string) => api.post('/v1/documents', { text, url: 'https://help.example/a' })
    expect((await byUrl('one')).json().documentId).toBe((await byUrl('two')).json().documentId)
    const bare = async (text: string) => (await api.post('/v1/documents', { text })).json().documentId
    expect(await bare('same')).toBe(await bare('same'))
    expect(await bare('same')).not.toBe(await bare('other'))
  })

  test('are removed once, and belong to their tenant', async () => {
    await api.post('/v1/documents', { ...document, id: 'kb-2' })
    expect((await api.send('DELETE', '/v1/documents/kb-2', { key: keyOf('ingest', 'other') })).statusCode).toBe(404)
    expect((await api.send('DELETE', '/v1/documents/kb-2')).statusCode).toBe(204)
    expect(problemIn(await api.get('/v1/documents/kb-2')).status).toBe(404)
    expect((await api.send('DELETE', '/v1/documents/kb-2')).statusCode).toBe(404)
  })

  test('of several megabytes are taken, above the limit they are 413', async () => {
    expect((await api.post('/v1/documents', { text: 'x'.repeat(4_000_000) })).statusCode).toBe(202)
    expect(problemIn(await api.post('/v1/documents', { text: 'x'.repeat(9_000_000) }))).toMatchObject({ status: 413 })
  })
})

describe('search', () => {
  test('asks for this tenant and public kinds of documents, unless told otherwise', async () => {
    const response = await api.post(
      '/v1/search',
      { query: 'reset', topK: 3, filters: { product: 'hub' } },
      { key: keyOf('read') },
    )
    expect(response.json()).toEqual({ passages: [], evidence: 0, failedLegs: [], degraded: false })
    expect(api.searches.at(-1)).toMatchObject({
      query: 'reset',
      topK: 3,
      explain: false,
      filter: { tenantId: 'default', product: 'hub', audiences: ['public', 'standard', 'enterprise'] },
    })
  })

  test('explains what else was searched for and in which order a model would be given the passages', async () => {
    const passages = [1, 2, 3].map((n) => samplePassage({ n, chunkId: `c${n}` }))
    const requests: SearchRequest[] = []
    const own = await startApi({
      searcher: {
        async search(request) {
          requests.push(request)
          const expansion = { synonyms: ['VPN'], hypothetical: 'It is slow.' }
          return { passages, evidence: 1, failedLegs: [], ...(request.explain ? { candidates: [], expansion } : {}) }
        },
      },
    })
    const config = { knowledge: { synonyms: [['VPN', 'tunnel']] } }
    expect((await own.send('PATCH', '/v1/tenants/default', { body: { config } })).statusCode).toBe(200)
    const body = { query: 'slow tunnel', neighbours: 2, hypothetical: 'It is slow.' }
    const { explained } = (await own.post('/v1/search', { ...body, explain: true }, { key: keyOf('read') })).json()
    expect(explained).toEqual({ synonyms: ['VPN'], hypothetical: 'It is slow.', promptOrder: [1, 3, 2] })
    expect(requests[0]).toMatchObject({ ...body, synonyms: config.knowledge.synonyms })
    expect((await own.post('/v1/search', body, { key: keyOf('read') })).json()).not.toHaveProperty('explained')
    expect(problemIn(await own.post('/v1/search', { query: 'x', neighbours: 3 }, { key: keyOf('read') })).status).toBe(422)
    await own.close()
  })

  test('internal documents are for those who work here', async () => {
    const search = (role: 'read' | 'agent') =>
      api.post('/v1/search', { query: 'x', filters: { audiences: ['internal'] } }, { key: keyOf(role) })
    expect(problemIn(await search('read')).status).toBe(403)
    expect((await search('agent')).statusCode).toBe(200)
  })
})

const NO_CACHE = { cacheReadTokens: 0, cacheWriteTokens: 0 }

describe('usage', () => {
  test('sums model calls by what is asked for, of this tenant only', async () => {
    const call = (tenantId: string, model: string, cost: number, at: string) =>
      api.database.asSystem(
        'test',
        `INSERT INTO model_calls (tenant_id, run_id, step, visit, request_hash, customer_id, task, tier, prompt_id, prompt_version, prompt_hash, provider, model,
           reply, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, latency_ms, created_at)
         VALUES ($1, 'run_x', 'generate', 1, $2, 'u1', 'generate', 'cheap', 'p', 1, 'h', 'openai', $3, '', 100, 10, 0, 0, $4, 5, $5)`,
        [tenantId, `${tenantId}${model}${at}`, model, cost, at],
      )
    await call('default', 'a', 0.25, '2026-11-20T23:59:59Z')
    await call('default', 'a', 0.5, '2026-11-21T00:00:00Z')
    await call('default', 'b', 1, '2026-11-21T01:00:00Z')
    await call('other', 'a', 9, '2026-11-21T01:00:00Z')
    const report = async (by: string, key = keyOf('read')) =>
      (await api.get(`/v1/usage?from=2026-11-20&to=2026-11-22&by=${by}`, { key })).json()
    expect((await report('model')).groups).toEqual([
      { group: 'openai/b', keys: { model: 'openai/b' }, calls: 1, inputTokens: 100, outputTokens: 10, ...NO_CACHE, costUsd: 1 },
      {
        group: 'openai/a',
        keys: { model: 'openai/a' },
        calls: 2,
        inputTokens: 200,
        outputTokens: 20,
        ...NO_CACHE,
        costUsd: 0.75,
      },
    ])
    expect((await report('day')).groups.map((one: { group: string }) => one.group)).toEqual(['2026-11-20', '2026-11-21'])
    expect((await report('step')).totals).toMatchObject({ calls: 3, costUsd: 1.75 })
    expect((await report('customer')).groups[0].group).toBe('u1')
    expect(problemIn(await api.get('/v1/usage?by=tenant', { key: keyOf('admin') })).status).toBe(403)
    const all = (await api.get('/v1/usage?from=2026-11-20&to=2026-11-22&by=tenant')).json()
    expect(all.groups.map((one: { group: string }) => one.group)).toEqual(['other', 'default'])
  })

  test('groups by several at once, filters, and counts embeddings, which the journal does not hold', async () => {
    await api.database.asSystem(
      'test',
      `INSERT INTO budget_reservations (id, tenant_id, customer_id, run_id, step, visit, purpose, day, held_nano_usd, cost_nano_usd, state,
         provider, model, input_tokens, created_at, expires_at)
       SELECT 'bdg_' || purpose, 'default', 'u2', 'run_y', 'retrieve', 1, purpose, '2026-11-21', 5000, 4000, 'settled', provider, 'embedding', 200,
         '2026-11-21T02:00:00Z', '2026-11-21T03:00:00Z' FROM (VALUES ('embed', 'openai'), ('generate', NULL)) AS v(purpose, provider)`,
    )
    const report = async (query: string) =>
      (await api.get(`/v1/usage?from=2026-11-20&to=2026-11-22&${query}`, { key: keyOf('read') })).json()
    expect((await report('groupBy=day,model&customer=u2')).groups).toEqual([
      {
        group: '2026-11-21 | openai/embedding',
        keys: { day: '2026-11-21', model: 'openai/embedding' },
        calls: 1,
        inputTokens: 200,
        outputTokens: 0,
        ...NO_CACHE,
        costUsd: 0.000004,
      },
    ])
    expect((await report('model=openai/a')).totals).toMatchObject({ calls: 2, costUsd: 0.75 })
    expect((await report('step=nowhere')).totals).toMatchObject({ calls: 0, costUsd: 0 })
    const theirs = await api.get('/v1/usage?from=2026-11-20&to=2026-11-22&groupBy=model', { headers: { 'x-tenant-id': 'other' } })
    expect(theirs.json().totals).toMatchObject({ calls: 1, costUsd: 9 })
    const all = await api.get('/v1/usage?from=2026-11-20&to=2026-11-22&groupBy=tenant,day')
    expect(problemIn(all).status).toBe(422)
  })

  test('refuses what is no time, a range that is backwards and one that is endless', async () => {
    for (const query of [
      'from=yesterday',
      'from=2026-11-22&to=2026-11-20',
      'from=1990-01-01',
      'by=colour',
      'nope=1',
      'groupBy=day,day',
      'groupBy=',
      'customer=%00',
    ])
      expect(problemIn(await api.get(`/v1/usage?$query`)).status, query).toBe(422)
  })
})
