import Fastify, { type FastifyInstance } from 'fastify'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mountConsole } from '#dashboards/console/mount.ts'
import { BROWSER, BROWSER_ARGS } from './browser.ts'
import { HOSTILE } from './moment.ts'
import { createWorld, KEYS, type World } from './world.ts'

const withChromium = describe.skipIf(BROWSER === '')
withChromium('the console in a browser (needs chromium on PATH)', { timeout: 60_000 }, () => {
  let browser: Browser
  let app: FastifyInstance
  let world: World
  let origin: string
  const complaints: string[] = []

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: BROWSER, args: BROWSER_ARGS })
  }, 60_000)
  afterAll(() => browser?.close())
  beforeEach(async () => {
    world = createWorld()
    complaints.length = 0
    app = Fastify()
    await mountConsole(app, { ...world.deps, queues: [] })
    origin = await app.listen({ port: 0, host: '127.0.0.1' })
    return async () => {
      // A page that is left open may ask for its icon when its server has gone, and the next test would hear of it.
      await Promise.all(browser.contexts().map((context) => context.close()))
      await app.close()
    }
  })

  async function open(path: string, key: string = KEYS.admin, scheme: 'light' | 'dark' = 'light', width = 1280): Promise<Page> {
    const context = await browser.newContext({
      httpCredentials: { username: 'me', password: key, send: 'always' },
      colorScheme: scheme,
      viewport: { width, height: 900 },
      javaScriptEnabled: true,
    })
    const page = await context.newPage()
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`))
    page.on('response', (response) => {
      if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`)
    })
    const response = await page.goto(origin + path)
    expect(response?.status()).toBe(200)
    return page
  }

  /** Nothing ran, nothing was loaded from elsewhere, the browser had nothing to complain about. */
  async function expectClean(page: Page) {
    expect(complaints).toEqual([])
    expect(await page.title()).toContain('Answerline')
    expect(await page.locator('script, img, [onerror], [onclick], [style]').count()).toBe(0)
    expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(true)
  }

  test.each(['light', 'dark'] as const)(
    'the overview shows counts, queues, tickets, escalations and dead letters (%s)',
    async (scheme) => {
      const page = await open('/console', KEYS.admin, scheme)
      const text = await page.locator('main').innerText()
      expect(text).toContain('1,284')
      expect(text).toMatch(/support-ticket\s+screen\s+0/)
      expect(text).toContain('index-unreadable')
      expect(text).toContain('Smoke came out of a sensor')
      expect(text).toContain(HOSTILE.slice(0, 40))
      await expectClean(page)
    },
  )

  test('the overview still stands when the queues are down', async () => {
    world.queuesAreDown = true
    const page = await open('/console')
    expect(await page.locator('main').innerText()).toContain('The queues cannot be reached')
    await expectClean(page)
  })

  test.each(['light', 'dark'] as const)(
    'a run shows its way, its ticket, the proof of every sentence, its calls and its timeline (%s)',
    async (scheme) => {
      const page = await open('/console/runs/run_answered', KEYS.admin, scheme)
      const text = await page.locator('main').innerText()
      for (const part of [
        HOSTILE,
        '[EMAIL_1]',
        'the amount "15 €" stands in none',
        'provider-rate-limited',
        'gpt-6-luna',
        '$0.000198',
      ])
        expect(text).toContain(part)
      const html = await page.content()
      for (const secret of ['ada.secret', 'RAW ']) expect(html).not.toContain(secret)
      expect(await page.locator('svg .node.seen').count()).toBe(8)
      expect(await page.locator('svg').getAttribute('aria-label')).toContain('verify: faithful')
      await page.locator('.answer a.cite').first().click()
      expect(page.url()).toMatch(/#source-1$/)
      expect(await page.locator('#source-1').innerText()).toContain('within 5 working days')
      expect(await page.locator('a[href^="javascript"]').count()).toBe(0)
      await page.locator('summary', { hasText: 'screened' }).first().press('Enter')
      expect(await page.locator('pre:visible').innerText()).toContain('"token": "[EMAIL_1]"')
      await expectClean(page)
    },
  )

  test.each(['run_waiting', 'run_dead', 'run_fresh'])('%s has a page, on a phone, too', async (id) => {
    const page = await open(`/console/runs/${id}`, KEYS.admin, 'light', 390)
    await expectClean(page)
  })

  test('a ticket is read in a few lines on a phone: its table scrolls sideways in its own box', async () => {
    const page = await open('/console', KEYS.admin, 'light', 390)
    const ticket = "document.querySelector('.tickets td').getBoundingClientRect()"
    expect(await page.evaluate(`${ticket}.width`)).toBeGreaterThan(200)
    expect(await page.evaluate(`${ticket}.height`)).toBeLessThan(200)
    await expectClean(page)
  })

  test('the picture of a run is seen whole on a small laptop', async () => {
    const page = await open('/console/runs/run_answered', KEYS.admin, 'light', 1_200)
    const flow = "document.querySelector('.flow')"
    expect(await page.evaluate(`${flow}.scrollWidth <= ${flow}.clientWidth`)).toBe(true)
    expect(await page.evaluate(`${flow}.firstElementChild.getBoundingClientRect().width`)).toBeGreaterThan(800)
    await expectClean(page)
  })

  test('a reviewer takes a case and answers it with the keyboard alone', async () => {
    const page = await open('/console/escalations', KEYS.agent)
    expect(await page.locator('article h2').first().innerText()).toContain('Smoke')
    await tabTo(page, 'Take this case')
    await page.keyboard.press('Enter')
    await page.waitForURL(/done=claimed/)
    const answer = page.getByLabel('Your answer to the customer')
    expect(await answer.inputValue()).toBe(
      'Thank you for writing to us. Refunds reach your card within 5 working days after we received the parcel.',
    )
    await answer.focus()
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.type('Your refund left us today.')
    await tabTo(page, 'Send answer')
    await page.keyboard.press('Enter')
    await page.waitForURL(/done=answered/)
    expect(world.moves).toMatchObject([
      {
        runId: 'run_waiting',
        by: 'key_agent',
        seq: 9,
        event: {
          kind: 'completed',
          outcome: 'answered',
          facts: { answer: { text: 'Your refund left us today.', by: 'person' } },
        },
      },
    ])
    expect(world.escalations[0]).toMatchObject({ resolution: 'answered', resolvedBy: 'key_agent' })
    expect(world.audited.map(({ action }) => action)).toEqual(['escalation.claim', 'escalation.answer'])
    await expectClean(page)
  })

  test('an operator sends chosen dead letters round again', async () => {
    const page = await open('/console/dead-letters', KEYS.operator)
    await page.getByRole('checkbox').first().check()
    await page.getByRole('button', { name: 'Redrive the chosen' }).click()
    await page.waitForURL(/done=redriven/)
    expect(world.redriven).toEqual([{ id: 'dl_1', tenantId: 'default', actor: 'key_operator' }])
    expect(await page.locator('main').innerText()).toContain('1 dead letter sent round again.')
    await expectClean(page)
  })
})

/** Presses Tab until the control has the focus; fails when a keyboard cannot reach it. */
async function tabTo(page: Page, name: string) {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate('document.activeElement.textContent.trim()')) === name) return
  }
  throw new Error(`"${name}" cannot be reached with the Tab key`)
}
