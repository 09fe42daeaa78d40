import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { appRoutes } from '@bull-board/api/dist/routes.js'
import { Queue, Worker } from 'bullmq'
import Fastify, { type FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mountDashboards } from '#dashboards/mount.ts'
import { maskResponse } from '#dashboards/queues/mask-jobs.ts'
import { ruleFor } from '#dashboards/queues/rules.ts'
import { BROWSER, BROWSER_ARGS } from './browser.ts'
import { basic, createWorld, KEYS, type World } from './world.ts'

const PLANTED = 'planted@customer.example'

describe('the routes of Bull Board', () => {
  const routes = appRoutes.api.flatMap(({ method, route }) =>
    [method].flat().flatMap((one) => [route].flat().map((path) => ({ method: one.toUpperCase(), path }))),
  )

  test('are all known: reading is open, changing is refused but for pause, resume and the redrive of a dead letter', () => {
    const writes = routes.filter(({ method }) => method !== 'GET')
    expect(writes.length).toBeGreaterThan(15)
    const open = writes.filter(({ method, path }) => ruleFor(method, path, 'dead-letter') !== 'refuse').map(({ path }) => path)
    expect(open.toSorted()).toEqual([
      '/api/queues/:queueName/:jobId/promote',
      '/api/queues/:queueName/:jobId/retry',
      '/api/queues/:queueName/pause',
      '/api/queues/:queueName/resume',
      '/api/queues/pause',
      '/api/queues/resume',
    ])
    for (const { method, path } of routes.filter(({ method }) => method === 'GET'))
      expect([path, ruleFor(method, path)]).toEqual([path, 'read'])
  })

  test('on any other queue hold no retry, and a route that nobody has looked at is refused', () => {
    expect(ruleFor('PUT', '/api/queues/:queueName/:jobId/retry', 'support-ticket.verify')).toBe('refuse')
    expect(ruleFor('GET', '/api/queues/:queueName/export')).toBe('refuse')
    expect(ruleFor('DELETE', '/api/queues/pause')).toBe('refuse')
  })
})

test('masking keeps ids, words and figures, and nothing else, wherever Bull Board puts it', () => {
  const job = {
    id: 'run_1_2',
    name: 'retrieve: index-unreadable',
    timestamp: 1,
    data: { runId: 'run_1', seq: 4, email: PLANTED, step: PLANTED, phone: 491_761_234_567, deep: { runId: PLANTED } },
    opts: { delay: 5, note: PLANTED },
    returnValue: PLANTED,
    progress: { at: PLANTED },
    failedReason: `provider-rate-limited: said ${PLANTED}`,
    stacktrace: [`Error: ${PLANTED}`],
    deferredFailure: PLANTED,
  }
  const masked = JSON.stringify(
    maskResponse('/api/queues', { queues: [{ name: 'support-ticket.verify', jobs: [job, { ...job, name: PLANTED }] }] }),
  )
  expect(masked).not.toContain(PLANTED)
  expect(masked).not.toContain('491761234567')
  for (const kept of [
    'run_1',
    '"seq":4',
    'provider-rate-limited',
    'retrieve: index-unreadable',
    'support-ticket.verify',
    '"delay":5',
  ])
    expect(masked).toContain(kept)
  expect(maskResponse('/api/queues/:queueName/:jobId/logs', [PLANTED])).toEqual(['[masked]'])
})

test('queues that cannot be reached are 503, and the page says that nothing is lost', async () => {
  const connection = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: () => null })
  connection.on('error', () => {})
  const queue = new Queue('support-ticket.verify', { connection, skipVersionCheck: true })
  queue.on('error', () => {})
  const app = Fastify()
  await mountDashboards(app, { ...createWorld().deps, queues: [{ queue }] })
  const response = await app.inject({ url: '/queues/api/queues', headers: basic(KEYS.operator) })
  expect(response.statusCode).toBe(503)
  expect(response.headers['content-type']).toContain('application/problem+json')
  expect(response.json()).toMatchObject({
    type: 'urn:answerline:problem:queues-unreachable',
    status: 503,
    code: 'queues-unreachable',
    requestId: expect.stringMatching(/./),
    error: expect.stringContaining('safe in PostgreSQL'),
  })
  await app.close()
  await queue.close().catch(() => {})
  connection.disconnect()
}, 30_000)

const server = spawnSync('sh', ['-c', 'command -v redis-server || command -v valkey-server'], { encoding: 'utf8' }).stdout.trim()

describe.skipIf(server === '')('the queues’ pages over a real Redis (needs redis-server on PATH)', { timeout: 30_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'board-'))
  const socket = join(folder, 'redis.sock')
  let redis: ReturnType<typeof spawn>
  let connection: Redis
  let queue: Queue
  let deadLetters: Queue
  let app: FastifyInstance
  let world: World

  beforeAll(async () => {
    redis = spawn(server, ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', folder], { stdio: 'ignore' })
    connection = new Redis(socket, { maxRetriesPerRequest: null, retryStrategy: () => 50 })
    connection.on('error', () => {})
    await connection.ping()
    queue = new Queue('support-ticket.verify', { connection })
    deadLetters = new Queue('dead-letter', { connection })
  }, 30_000)
  afterAll(async () => {
    await Promise.all([queue?.close(), deadLetters?.close()])
    connection?.disconnect()
    redis?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(async () => {
    await connection.flushall()
    world = createWorld()
    app = Fastify()
    await mountDashboards(app, { ...world.deps, queues: [{ queue }, { queue: deadLetters }] })
    return () => app.close()
  })

  const call = (method: 'GET' | 'PUT' | 'POST' | 'PATCH', url: string, key: string = KEYS.operator, body?: object) =>
    app.inject({ method, url: `/queues${url}`, headers: basic(key), ...(body && { payload: body }) })

  test('ask for a key, take it as password or Bearer, and let operators in only', async () => {
    const nobody = await app.inject({ url: '/queues' })
    expect(nobody.statusCode).toBe(401)
    expect(nobody.headers['www-authenticate']).toMatch(/^Basic realm=/)
    expect(nobody.json()).toMatchObject({ code: 'unauthenticated', status: 401 })
    expect((await call('GET', '/', 'wrong')).statusCode).toBe(401)
    expect((await call('GET', '/api/queues', KEYS.reader)).statusCode).toBe(403)
    expect((await call('GET', '/api/queues', KEYS.agent)).statusCode).toBe(403)
    const page = await app.inject({ url: '/queues', headers: { authorization: `Bearer ${KEYS.admin}` } })
    expect(page.statusCode).toBe(200)
    expect(page.body).toContain('Answerline queues')
    expect(page.body).not.toContain('googleapis')
    expect(page.headers['content-security-policy']).toContain("default-src 'self'")
    const script = /static\/js\/main[^"]+/.exec(page.body)?.[0]
    expect((await call('GET', `/${script}`)).statusCode).toBe(200)
  })

  test('show a failed job with its ids and a link to its run, and no word of its payload, reason, stack or logs', async () => {
    await queue.add('verify', { runId: 'run_1', seq: 3, body: PLANTED }, { jobId: 'run_1_3' })
    const worker = new Worker(
      queue.name,
      async (job) => {
        await job.log(`saw ${PLANTED}`)
        throw new Error(`could not read ${PLANTED}`)
      },
      { connection },
    )
    await new Promise((resolve) => worker.once('failed', resolve))
    await worker.close()
    const list = await call('GET', '/api/queues?activeQueue=support-ticket.verify&status=failed&page=1&jobsPerPage=10')
    const one = await call('GET', '/api/queues/support-ticket.verify/run_1_3')
    const logs = await call('GET', '/api/queues/support-ticket.verify/run_1_3/logs')
    const flow = await call('GET', '/api/queues/support-ticket.verify/run_1_3/flow')
    for (const response of [list, one, logs, flow]) {
      expect(response.statusCode).toBe(200)
      expect(response.body).not.toContain('planted')
    }
    expect(one.json().job).toMatchObject({
      data: { runId: 'run_1', seq: 3, body: '[masked]' },
      isFailed: true,
      externalUrl: { href: '/console/runs/run_1' },
    })
    expect(list.json().queues[0].jobs[0]).toMatchObject({ id: 'run_1_3', failedReason: '[masked]' })
    expect(logs.json()).toEqual(['[masked]'])
  })

  test.each([
    ['batch.advance', 'bat_1', '/console/batches#bat_1'],
    ['batch.collect', 'collector', '/console/batches'],
    ['document-sets.fire', 'sch_1', '/console'],
  ])('show a job of %s with a link to a page that is there', async (name, runId, href) => {
    const other = new Queue(name, { connection })
    const jobId = `${runId}_0`
    await other.add('x', { runId, seq: 0 }, { jobId, delay: 60_000 })
    const single = Fastify()
    await mountDashboards(single, { ...world.deps, queues: [{ queue: other }] })
    const headers = basic(KEYS.admin)
    const job = await single.inject({ url: `/queues/api/queues/${name}/${jobId}`, headers })
    expect(job.json().job.externalUrl).toMatchObject({ href })
    expect((await single.inject({ url: href.split('#')[0]!, headers })).statusCode).toBe(200)
    await single.close()
    await other.obliterate({ force: true })
    await other.close()
  })

  test.each([
    ['POST', '/api/queues/support-ticket.verify/add', { name: 'x', data: {}, options: {} }],
    ['PATCH', '/api/queues/support-ticket.verify/run_1_3/update-data', { jobData: {} }],
    ['PUT', '/api/queues/support-ticket.verify/run_1_3/retry', undefined],
    ['PUT', '/api/queues/support-ticket.verify/run_1_3/promote', undefined],
    ['PUT', '/api/queues/support-ticket.verify/run_1_3/clean', undefined],
    ['PUT', '/api/queues/support-ticket.verify/retry/failed', undefined],
    ['PUT', '/api/queues/support-ticket.verify/empty', undefined],
    ['PUT', '/api/queues/dead-letter/obliterate', { force: true }],
    ['PUT', '/api/queues/dead-letter/dl_1/clean', undefined],
  ] as const)('%s %s is refused, changes nothing and is audited', async (method, url, body) => {
    await queue.add('verify', { runId: 'run_1', seq: 3 }, { jobId: 'run_1_3', delay: 60_000 })
    await deadLetters.add('x', { id: 'dl_1', runId: 'run_dead', tenantId: 'default' }, { jobId: 'dl_1' })
    const response = await call(method, url, KEYS.admin, body)
    expect(response.statusCode).toBe(403)
    expect(response.headers['content-type']).toContain('application/problem+json')
    expect(response.json()).toMatchObject({
      type: 'urn:answerline:problem:queue-action-blocked',
      requestId: expect.stringMatching(/./),
      error: response.json().detail,
    })
    expect(await queue.getJobCounts('delayed', 'waiting')).toEqual({ delayed: 1, waiting: 0 })
    expect(await deadLetters.getJobCountByTypes('waiting')).toBe(1)
    expect(world.audited).toMatchObject([{ action: 'queues.refused', actor: 'admin', tenantId: 'default', detail: { method } }])
  })

  test.each(['promote', 'retry'])('%s of a dead letter is our redrive, once, and takes the copy away', async (button) => {
    await deadLetters.add(
      'retrieve: index-unreadable',
      { id: 'dl_1', runId: 'run_dead', tenantId: 'default' },
      { jobId: 'dl_1', delay: 86_400_000 },
    )
    const response = await call('PUT', `/api/queues/dead-letter/dl_1/${button}`)
    expect(response.statusCode).toBe(204)
    expect(world.redriven).toEqual([{ id: 'dl_1', tenantId: 'default', actor: 'key_operator' }])
    expect(world.audited).toMatchObject([{ action: 'queues.redrive', target: 'dead-letter/dl_1', actor: 'key_operator' }])
    expect(await deadLetters.getJob('dl_1')).toBeUndefined()
    expect((await call('PUT', `/api/queues/dead-letter/dl_1/${button}`)).statusCode).toBe(404)
  })

  test('dead letters show as failed jobs with a retry button, however their copies wait', async () => {
    await deadLetters.add('verify: defect', { id: 'dl_1', runId: 'run_1', code: 'defect' }, { jobId: 'dl_1' })
    await deadLetters.add('verify: defect', { id: 'dl_2', runId: 'run_2', code: 'defect' }, { jobId: 'dl_2', delay: 60_000 })
    const board = (await call('GET', '/api/queues?activeQueue=dead-letter&status=failed&page=1&jobsPerPage=10')).json()
    const shown = board.queues.find(({ name }: { name: string }) => name === 'dead-letter')
    expect(shown).toMatchObject({ statuses: ['failed'], counts: { failed: 2, waiting: 0, delayed: 0 }, allowRetries: true })
    expect(shown.jobs.map(({ id }: { id: string }) => id).toSorted()).toEqual(['dl_1', 'dl_2'])
    expect((await call('GET', '/api/queues/dead-letter/dl_1')).json().status).toBe('failed')
  })

  test('a dead letter says why it failed by its code, and where the rest stands; what is no code is masked', async () => {
    const add = (id: string, code: string) =>
      deadLetters.add('verify: x', { id, runId: 'run_1', code, tenantId: 'other' }, { jobId: id })
    await add('dl_1', 'defect')
    await add('dl_2', `said ${PLANTED}`)
    const list = await call('GET', '/api/queues?activeQueue=dead-letter&status=failed&page=1&jobsPerPage=10')
    const shown = list.json().queues.find(({ name }: { name: string }) => name === 'dead-letter')
    const reasons = ['[masked]', 'defect'].map((code) => `${code}: what happened stands on the page of its run`)
    expect(shown.jobs.map((job: { failedReason: string }) => job.failedReason).toSorted()).toEqual(reasons)
    expect((await call('GET', '/api/queues/dead-letter/dl_1')).json().job.failedReason).toBe(reasons[1])
    expect(list.body).not.toContain('planted')
  })

  test('a dead letter that was redriven elsewhere answers 409, another tenant’s 404', async () => {
    await deadLetters.add('x', { id: 'dl_gone', runId: 'run_dead', tenantId: 'default' }, { jobId: 'dl_gone' })
    expect((await call('PUT', '/api/queues/dead-letter/dl_gone/promote', KEYS.stranger)).statusCode).toBe(404)
    expect((await call('PUT', '/api/queues/dead-letter/dl_gone/promote')).statusCode).toBe(409)
    expect(world.redriven).toEqual([])
    // Its redrive may have come when Redis was away; a copy of nothing is not offered twice.
    expect(await deadLetters.getJob('dl_gone')).toBeUndefined()
  })

  test('a dead letter whose run has moved on answers 409 and keeps its copy: it is still open', async () => {
    const refusing = Fastify()
    const redrive = async () => ({ redriven: false, why: 'the run is running' }) as const
    await mountDashboards(refusing, { ...world.deps, redrive, queues: [{ queue: deadLetters }] })
    await deadLetters.add('x', { id: 'dl_1', runId: 'run_dead', tenantId: 'default' }, { jobId: 'dl_1' })
    const url = '/queues/api/queues/dead-letter/dl_1/retry'
    const response = await refusing.inject({ method: 'PUT', url, headers: basic(KEYS.operator) })
    expect([response.statusCode, response.json().detail]).toEqual([409, 'the run is running'])
    expect(await deadLetters.getJob('dl_1')).toBeDefined()
    await refusing.close()
  })

  test('pausing stops every tenant, so only the installation’s own may', async () => {
    expect((await call('PUT', '/api/queues/support-ticket.verify/pause', KEYS.stranger)).statusCode).toBe(403)
    expect(await queue.isPaused()).toBe(false)
    expect((await call('PUT', '/api/queues/support-ticket.verify/pause')).statusCode).toBe(200)
    expect(await queue.isPaused()).toBe(true)
    expect(world.audited.map(({ action }) => action)).toEqual(['queues.refused', 'queues.pause'])
  })

  test('a change that another site’s page sends along with the browser’s key is refused', async () => {
    const url = '/queues/api/queues/support-ticket.verify/pause'
    const response = await app.inject({ method: 'PUT', url, headers: { ...basic(KEYS.admin), 'sec-fetch-site': 'cross-site' } })
    expect(response.statusCode).toBe(403)
    expect(await queue.isPaused()).toBe(false)
  })

  test.skipIf(BROWSER === '')(
    'its retry button redrives, in a browser that loads nothing from elsewhere (needs chromium)',
    async () => {
      await deadLetters.add(
        'verify: defect',
        { id: 'dl_2', runId: 'run_elsewhere', code: 'defect', tenantId: 'default' },
        { jobId: 'dl_2' },
      )
      const origin = await app.listen({ port: 0, host: '127.0.0.1' })
      const browser = await chromium.launch({ executablePath: BROWSER, args: BROWSER_ARGS })
      try {
        const context = await browser.newContext({ httpCredentials: { username: 'me', password: KEYS.operator, send: 'always' } })
        const page = await context.newPage()
        const complaints: string[] = []
        page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
        page.on('request', (request) => request.url().startsWith(origin) || complaints.push(`outside: ${request.url()}`))
        await page.goto(`${origin}/queues/queue/dead-letter?status=failed`)
        await page.locator('ul[class*="jobActions"] button').first().click()
        await page.getByRole('button', { name: /confirm/i }).click()
        await expect
          .poll(() => world.redriven, { timeout: 10_000 })
          .toEqual([{ id: 'dl_2', tenantId: 'default', actor: 'key_operator' }])
        expect(complaints).toEqual([])
      } finally {
        await browser.close()
      }
    },
  )
})
