import Fastify, { type FastifyInstance } from 'fastify'
import { beforeEach, describe, expect, test } from 'vitest'
import { html, webAddress } from '#dashboards/console/html.ts'
import { mountConsole } from '#dashboards/console/mount.ts'
import { mountDashboards } from '#dashboards/mount.ts'
import type { Pipeline } from '#pipelines/pipeline.ts'
import { pipelines } from '#pipelines/registry.ts'
import { createConsoleStore } from '#shared/adapters/state/console-store.postgres.ts'
import { Database } from '#shared/database/client.ts'
import { openPostgres } from '#shared/database/engine.postgres.ts'
import { maskFact } from '#shared/domain/mask-facts.ts'
import { HOSTILE, NOW } from './moment.ts'
import { basic, createWorld, KEYS, type World } from './world.ts'

let app: FastifyInstance
let world: World
beforeEach(async () => {
  world = createWorld()
  app = Fastify()
  await mountConsole(app, { ...world.deps, queues: [] })
  return () => app.close()
})

const get = (url: string, key: string = KEYS.admin, user?: string) => app.inject({ url, headers: basic(key, user) })
const tokenFor = async (key: string, page = '/console/dead-letters') =>
  /name="_token" value="([^"]+)"/.exec((await get(page, key)).body)?.[1] ?? ''
const post = (url: string, form: Record<string, string>, key: string, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'POST',
    url,
    headers: { ...basic(key), 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: new URLSearchParams(form).toString(),
  })

describe('who may see what', () => {
  test('nobody without a key, and the browser is told to ask for one', async () => {
    for (const url of ['/console', '/console/runs/run_answered', '/console/style.css']) {
      const response = await app.inject({ url })
      expect(response.statusCode).toBe(401)
      expect(response.headers['www-authenticate']).toContain('Basic')
    }
    expect((await app.inject({ url: '/console', headers: { authorization: 'Basic !!' } })).statusCode).toBe(401)
    expect((await app.inject({ url: '/console', headers: { authorization: `Basic ${btoa('x:a\r\nb')}` } })).statusCode).toBe(401)
  })

  test('a refusal is a problem document with the members that those of the API have, and no other', async () => {
    const mine = (title: string, status: number, code: string) => ({
      type: `urn:answerline:problem:${code}`,
      ...{ title, status, code },
      detail: expect.any(String),
      requestId: expect.any(String),
    })
    const refused = [await app.inject({ url: '/console' }), await get('/console', KEYS.reader)]
    expect(refused.map((response) => response.json())).toEqual([
      mine('Unauthorized', 401, 'unauthenticated'),
      mine('Forbidden', 403, 'forbidden'),
    ])
    for (const { headers } of refused) expect(headers['content-type']).toContain('application/problem+json')
  })

  test('readers and producers see nothing; reviewers no dead letters', async () => {
    expect((await get('/console', KEYS.reader)).statusCode).toBe(403)
    expect((await get('/console', KEYS.agent)).statusCode).toBe(200)
    expect((await get('/console/dead-letters', KEYS.agent)).statusCode).toBe(404)
    expect((await get('/console/runs/run_dead', KEYS.agent)).body).not.toContain('Send round again')
  })

  test('another tenant’s run, ticket, case and dead letter are not there', async () => {
    expect((await get('/console/runs/run_answered', KEYS.stranger)).statusCode).toBe(404)
    expect((await get('/console/find?id=tkt_answered', KEYS.stranger)).statusCode).toBe(404)
    const overview = (await get('/console', KEYS.stranger)).body
    for (const trace of ['tkt_answered', 'Smoke', 'index-unreadable']) expect(overview).not.toContain(trace)
    const token = await tokenFor(KEYS.stranger, '/console/dead-letters')
    expect(token).toBe('')
  })

  test('batches, which hold requests of all tenants, are for operators of the installation; each has an anchor', async () => {
    const page = await get('/console/batches', KEYS.operator)
    expect(page.statusCode).toBe(200)
    expect(page.body).toContain('<tr id="bat_1">')
    expect(page.body).toContain('300 of 1,200')
    expect(page.body).not.toContain(HOSTILE)
    for (const key of [KEYS.agent, KEYS.stranger]) {
      expect((await get('/console/batches', key)).statusCode).toBe(404)
      expect((await get('/console', key)).body).not.toContain('/console/batches')
    }
  })

  test('a user name with a tenant chooses it, and one that is an e-mail address does no harm', async () => {
    expect((await get('/console', KEYS.admin, 'ada@default')).statusCode).toBe(200)
    expect((await get('/console', KEYS.admin, 'ada@localhost')).statusCode).toBe(200)
  })
})

describe('a form', () => {
  test('without the page’s token, or sent by another site, changes nothing', async () => {
    const form = { id: 'dl_1' }
    expect((await post('/console/dead-letters/redrive', form, KEYS.operator)).statusCode).toBe(403)
    expect(
      (await post('/console/dead-letters/redrive', { ...form, _token: await tokenFor(KEYS.admin) }, KEYS.operator)).statusCode,
    ).toBe(403)
    const right = { ...form, _token: await tokenFor(KEYS.operator) }
    expect(
      (await post('/console/dead-letters/redrive', right, KEYS.operator, { 'sec-fetch-site': 'cross-site' })).statusCode,
    ).toBe(403)
    expect(world.redriven).toEqual([])
    expect((await post('/console/dead-letters/redrive', right, KEYS.operator)).statusCode).toBe(303)
    expect(world.redriven).toHaveLength(1)
  })

  test('leads back to a page of the console and nowhere else', async () => {
    const _token = await tokenFor(KEYS.operator)
    const away = await post('/console/dead-letters/redrive', { id: 'dl_1', _token, back: 'https://evil.example/' }, KEYS.operator)
    expect(away.headers.location).toBe('/console/dead-letters?done=redriven&n=1')
    const back = await post(
      '/console/dead-letters/redrive',
      { id: 'dl_2', _token, back: '/console/runs/run_dead' },
      KEYS.operator,
    )
    expect(back.headers.location).toBe('/console/runs/run_dead?done=redriven&n=1')
  })

  test('are the most urgent ones where there are more than a page takes, and the page says so', async () => {
    expect((await get('/console/escalations')).body).toContain('2 open cases')
    for (let i = 0; i < 100; i++) world.escalations.push({ ...world.escalations[0]!, id: `esc_more_${i}` })
    expect((await get('/console/escalations')).body).toContain('the 100 most urgent open cases; others wait behind them')
  })

  test('sent twice decides once', async () => {
    const _token = await tokenFor(KEYS.agent, '/console/escalations')
    const form = { _token, text: 'We are sorry.\r\nIt comes tomorrow.' }
    expect((await post('/console/escalations/esc_1/answer', form, KEYS.agent)).headers.location).toContain('done=answered')
    expect((await post('/console/escalations/esc_1/answer', form, KEYS.agent)).headers.location).toContain('done=late')
    expect(world.moves).toHaveLength(1)
    expect(world.moves[0]?.event).toMatchObject({ facts: { answer: { text: 'We are sorry.\nIt comes tomorrow.' } } })
  })

  test('on a case that somebody else holds changes nothing', async () => {
    const _token = await tokenFor(KEYS.agent, '/console/escalations')
    const response = await post('/console/escalations/esc_2/dismiss', { _token, reason: 'spam' }, KEYS.agent)
    expect(response.headers.location).toContain('done=held')
    expect(world.moves).toEqual([])
  })

  test('dismisses with a reason, and only with one', async () => {
    const _token = await tokenFor(KEYS.agent, '/console/escalations')
    for (const reason of ['', '   ', 'a\u0000b', 'x'.repeat(501)])
      expect((await post('/console/escalations/esc_1/dismiss', { _token, reason }, KEYS.agent)).statusCode).toBe(422)
    expect(
      (await post('/console/escalations/esc_1/dismiss', { _token, reason: 'a duplicate' }, KEYS.agent)).headers.location,
    ).toContain('done=dismissed')
    expect(world.moves).toMatchObject([
      { event: { outcome: 'dismissed', facts: { ruling: { decision: 'dismiss', reason: 'a duplicate' } } } },
    ])
    expect(world.escalations[0]).toMatchObject({ resolution: 'dismissed', resolvedAt: NOW })
  })

  test('for a case is for reviewers and operators, for a dead letter for operators only', async () => {
    const claim = await post('/console/escalations/esc_1/claim', { _token: await tokenFor(KEYS.operator) }, KEYS.operator)
    expect(claim.headers.location).toContain('done=claimed')
    expect((await post('/console/escalations/esc_1/claim', { _token: 'x' }, KEYS.reader)).statusCode).toBe(403)
    const agentToken = await tokenFor(KEYS.agent, '/console/escalations')
    expect((await post('/console/dead-letters/redrive', { id: 'dl_1', _token: agentToken }, KEYS.agent)).statusCode).toBe(403)
    expect(world.redriven).toEqual([])
  })

  test('redrives all of a page, or says that none was chosen', async () => {
    const _token = await tokenFor(KEYS.operator)
    expect((await post('/console/dead-letters/redrive', { _token }, KEYS.operator)).headers.location).toContain('none-chosen')
    const payload = `_token=${encodeURIComponent(_token)}&shown=dl_1&shown=dl_2&all=1`
    const headers = { ...basic(KEYS.operator), 'content-type': 'application/x-www-form-urlencoded' }
    const response = await app.inject({ method: 'POST', url: '/console/dead-letters/redrive', headers, payload })
    expect(response.headers.location).toContain('done=redriven&n=2')
  })

  test('in another format or too large is a 4xx page', async () => {
    const json = await app.inject({
      method: 'POST',
      url: '/console/dead-letters/redrive',
      headers: basic(KEYS.operator),
      payload: { id: 'dl_1' },
    })
    expect(json.statusCode).toBe(403)
    const large = await post('/console/dead-letters/redrive', { id: 'x'.repeat(300_000) }, KEYS.operator)
    expect(large.statusCode).toBe(413)
    expect(large.headers['content-type']).toContain('text/html')
  })
})

describe('pages', () => {
  test('forbid scripts, frames and caching', async () => {
    const { headers } = await get('/console')
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
    expect(headers['cache-control']).toBe('no-store')
  })

  test('a notice comes from a closed list', async () => {
    expect((await get('/console/escalations?done=claimed')).body).toContain('The case is yours.')
    expect((await get('/console/escalations?done=%3Cb%3E')).body).not.toContain('role="status"')
  })

  test('odd queries are left out, odd ids are not found', async () => {
    for (const url of ['/console?status=evil&refresh=-1', '/console/dead-letters?step[]=1&code=', '/console/escalations?mine=2'])
      expect((await get(url)).statusCode).toBe(200)
    for (const url of ['/console/runs/%00', `/console/runs/${'x'.repeat(80)}`, '/console/find?id=', '/console/find?id=tkt_none'])
      expect((await get(url)).statusCode).toBe(404)
    expect((await get('/console/find?id=tkt_answered')).headers.location).toBe('/console/runs/run_answered')
  })

  test('an error of a store is a page without its words', async () => {
    const broken = Fastify()
    const figures = async () => {
      throw new Error('password=hunter2')
    }
    await mountConsole(broken, { ...world.deps, queues: [], consoleStore: { ...world.deps.consoleStore, figures } })
    const response = await broken.inject({ url: '/console', headers: basic(KEYS.admin) })
    expect(response.statusCode).toBe(500)
    expect(response.body).not.toContain('hunter2')
    await broken.close()
  })
})

describe('the bare address', () => {
  const BROWSERS_ACCEPT = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

  test('leads a browser to the console; for other clients there is nothing', async () => {
    const whole = Fastify()
    await mountDashboards(whole, { ...world.deps, queues: [] })
    const browser = await whole.inject({ url: '/', headers: { accept: BROWSERS_ACCEPT } })
    expect([browser.statusCode, browser.headers.location]).toEqual([302, '/console'])
    for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }]) {
      const other = await whole.inject({ url: '/', headers })
      expect(other.statusCode).toBe(404)
      expect(other.json()).toMatchObject({ code: 'not-found', detail: 'there is no such route' })
    }
    await whole.close()
  })
})

describe('what the pages say', () => {
  test('tells a filter without hits from an installation without tickets, and hints at what would show here', async () => {
    const filtered = (await get('/console?status=cancelled')).body
    expect(filtered).toContain('None with this status.')
    expect(filtered).not.toContain('No tickets yet')
    const empty = (await get('/console', KEYS.stranger)).body
    expect(empty).toContain('No tickets yet')
    // The demo runs an installation of its own: nothing of it ever shows here.
    expect(empty).not.toContain('npm run demo')
  })

  test('promises a person for dead tickets only: who waits for a callback was answered before', async () => {
    const page = (await get('/console/dead-letters')).body
    expect(page).not.toContain('customer was handed to a person')
    expect(page).toMatch(/ticket then goes to a person where it still can; a callback, [^.]* rests until/)
    const rescued = Object.values<Pipeline>(pipelines).filter(({ rescue }) => rescue)
    expect(rescued.map(({ name, rescue }) => [name, rescue?.to])).toEqual([['support-ticket', 'escalate']])
  })
})

describe('with PostgreSQL away', () => {
  test('what the database itself then throws is a store that is away', async () => {
    const database = new Database(openPostgres('postgres://nobody@127.0.0.1:1/none'))
    const away = Fastify()
    await mountConsole(away, { ...world.deps, queues: [], consoleStore: createConsoleStore(database) })
    const response = await away.inject({ url: '/console', headers: basic(KEYS.admin) })
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '2'])
    await away.close()
    await database.close()
  })

  const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432'), { code: 'ECONNREFUSED' })
  const lost = new Error('Connection terminated unexpectedly')

  test.each(['identify', 'figures'] as const)('%s fails, and the page says so and when to come again', async (what) => {
    const fail = async () => Promise.reject(what === 'identify' ? refused : lost)
    const away = Fastify()
    const consoleStore = { ...world.deps.consoleStore, ...(what === 'figures' && { figures: fail }) }
    await mountConsole(away, { ...world.deps, ...(what === 'identify' && { identify: fail }), queues: [], consoleStore })
    const response = await away.inject({ url: '/console', headers: basic(KEYS.admin) })
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '2'])
    expect(response.headers['content-type']).toContain('text/html')
    expect(response.body).toContain('This page cannot be made now')
    expect(response.body).not.toContain('10.0.0.7')
    // Who is not known is shown no way round.
    expect(response.body.includes('<nav')).toBe(what === 'figures')
    expect((await away.inject({ url: '/console' })).statusCode).toBe(401)
    await away.close()
  })
})

describe('masking of facts', () => {
  test('shows nothing of a ticket but ids, words and figures', () => {
    const fact = {
      id: 'tkt_1',
      body: 'RAW',
      subject: 'two words',
      channel: 'email',
      requester: { id: 'c', email: 'a@b.example', name: 'Ada' },
      metadata: { plan: 'RAW' },
    }
    const masked = JSON.stringify(maskFact('ticket', fact))
    expect(masked).toContain('tkt_1')
    expect(masked).toContain('[masked]')
    for (const secret of ['RAW', 'Ada', 'a@b', 'two words']) expect(masked).not.toContain(secret)
  })

  test.each([
    ['receipt', { messageId: 'msg_1', text: 'Ada', followUps: ['Bye'] }],
    ['ruling', { by: 'key_1', decision: 'answer', text: 'Ada', reason: 'Ada wrote' }],
    ['answer', { by: 'person', text: 'Ada', citations: [] }],
    ['delivery', { messageId: 'msg_1', url: 'https://a.example/?who=Ada', body: 'Ada' }],
  ])('hides the words of a %s, which a customer reads or a person wrote', (name, fact) => {
    const masked = JSON.stringify(maskFact(name, fact))
    for (const word of ['Ada', 'Bye']) expect(masked).not.toContain(word)
    expect(masked).toMatch(/msg_1|key_1|person/)
  })

  test('hides what stands behind placeholders, and treats facts it does not know as content', () => {
    expect(JSON.stringify(maskFact('screened', { placeholders: [{ token: '[A_1]', value: 'Ada' }], text: 'Dear [A_1]' }))).toBe(
      '{"placeholders":[{"token":"[A_1]","value":"[masked]"}],"text":"Dear [A_1]"}',
    )
    expect(maskFact('novelty', { note: 'some prose', code: 'a-b', n: 3 })).toEqual({ note: '[masked]', code: '[masked]', n: 3 })
    expect(maskFact('draft', { text: 'a@b.example' + 'x'.repeat(9) }, 12)).toEqual({
      text: expect.stringMatching(/^\[email\].*\[20 characters\]$/),
    })
  })
})

describe('markup', () => {
  test('escapes text and attributes, keeps nested markup, and cannot be forged', () => {
    expect(html`<a title="${'"><b>'}">${[html`<i>${"'&"}</i>`, null, false, 0]}</a>`.toString()).toBe(
      '<a title="&quot;&gt;&lt;b&gt;"><i>&#39;&amp;</i>0</a>',
    )
    expect(html`${{ toString: () => '<b>' } as unknown as string}`.toString()).toBe('&lt;b&gt;')
  })

  test.each([
    ['https://a.example/x?y=1', 'https://a.example/x?y=1'],
    ['javascript:alert(1)', undefined],
    [' JaVaScRiPt:alert(1)', undefined],
    ['data:text/html,x', undefined],
    ['//evil.example', undefined],
  ])('links %s to %s', (url, expected) => {
    expect(webAddress(url)).toBe(expected)
  })
})
