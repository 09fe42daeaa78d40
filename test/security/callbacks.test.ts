import type { lookup as systemLookup } from 'node:dns'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AddressRule, checkedLookup, createAddressRule } from '#shared/adapters/delivery/address-rule.ts'
import { createCheckedPost } from '#shared/adapters/delivery/post-checked.ts'
import { createHttpWebhook } from '#shared/adapters/delivery/webhook.http.ts'
import { StepFailure } from '#shared/domain/failure.ts'

let reached = 0
let location: string | undefined
const inner = createServer((request, response) => {
  reached++
  request.resume()
  response.writeHead(location ? 307 : 204, location ? { location } : {}).end()
})
let port: number
beforeAll(async () => {
  inner.listen(0, '127.0.0.1')
  await once(inner, 'listening')
  port = (inner.address() as AddressInfo).port
})
beforeEach(() => {
  reached = 0
  location = undefined
})
afterAll(() => {
  inner.closeAllConnections()
  inner.close()
})

/** A resolver whose zone is the test's; what it answers may change from one question to the next. */
const zone = (answers: readonly (readonly string[])[]) => {
  let asked = 0
  return ((_host: string, _options: unknown, done: (error: null, found: { address: string; family: number }[]) => void) => {
    const now = answers[Math.min(asked++, answers.length - 1)]!
    done(
      null,
      now.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }) as unknown as typeof systemLookup
}
const webhookFor = (networks: readonly string[], lookup?: typeof systemLookup, rule: AddressRule = createAddressRule(networks)) =>
  createHttpWebhook(networks, createCheckedPost(rule, lookup && checkedLookup(rule, lookup)))
const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`
const failureOf = async (webhook: ReturnType<typeof createHttpWebhook>, url: string) => {
  const message = { id: 'whk_1', url, secret: SECRET, body: '{}', timestamp: new Date() }
  const error = await webhook.send(message, AbortSignal.timeout(20_000)).catch((thrown: unknown) => thrown)
  if (!(error instanceof StepFailure)) throw new Error(`${url} was sent: ${String(error)}`)
  return error.failure
}
const REFUSED = { kind: 'terminal', code: 'webhook-address-refused' }

describe('a callback', () => {
  test('does not reach inner addresses, however they are spelled', async () => {
    const spellings = [
      `http://127.0.0.1:${port}/`,
      `http://127.1:${port}/`,
      `http://2130706433:${port}/`,
      `http://0x7f000001:${port}/`,
      `http://0177.0.0.1:${port}/`,
      `http://0.0.0.0:${port}/`,
      `http://[::1]:${port}/`,
      `http://[::]:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
      `http://[::ffff:7f00:1]:${port}/`,
      `http://[64:ff9b::7f00:1]:${port}/`,
      `http://[2002:7f00:1::]:${port}/`,
      `http://127。0。0。1:${port}/`,
      'http://169.254.169.254/latest/meta-data/',
      'http://10.0.0.1/',
      'https://192.168.1.1/',
      'http://172.31.255.255/',
      'http://100.64.0.1/',
      'http://[fd00::1]/',
      'http://[fe80::1]/',
      'http://224.0.0.1/',
      'http://255.255.255.255/',
    ]
    for (const url of spellings) expect(await failureOf(webhookFor([]), url), url).toMatchObject(REFUSED)
    expect(reached).toBe(0)
  })

  test('does not follow a name to an inner address, not even when only one of its addresses is', async () => {
    for (const answers of [['127.0.0.1'], ['::1'], ['93.184.215.14', '127.0.0.1'], ['10.1.2.3'], ['169.254.169.254'], []])
      expect(await failureOf(webhookFor([], zone([answers])), `http://hooks.shop.example:${port}/`)).toMatchObject(REFUSED)
    expect(await failureOf(webhookFor([]), `http://localhost:${port}/`)).toMatchObject(REFUSED)
    expect(reached).toBe(0)
  })

  test('connects to the very address that was checked: a name that answers differently later gains nothing', async () => {
    const asked: string[] = []
    const allowsFirst: AddressRule = (address) => {
      asked.push(address)
      return address === '127.0.0.1'
    }
    const rebinding = zone([['127.0.0.1'], ['169.254.169.254']])
    const webhook = webhookFor([], rebinding, allowsFirst)
    const message = { id: 'w', url: `http://x.example:${port}/`, secret: SECRET, body: '{}', timestamp: new Date() }
    expect(await webhook.send(message, AbortSignal.timeout(20_000))).toBe(204)
    expect([asked, reached]).toEqual([['127.0.0.1'], 1])
    // The next message is a new connection, checked again.
    expect(await failureOf(webhook, `http://x.example:${port}/`)).toMatchObject(REFUSED)
  })

  test('is not led on by a redirect', async () => {
    location = `http://127.0.0.1:${port}/elsewhere`
    const failure = await failureOf(webhookFor(['127.0.0.1']), `http://127.0.0.1:${port}/`)
    expect([failure.code, reached]).toEqual(['webhook-refused', 1])
  })

  test('reaches a network that the operator named, and only that', async () => {
    const message = { id: 'w', url: `http://127.0.0.1:${port}/`, secret: SECRET, body: '{}', timestamp: new Date() }
    expect(await webhookFor(['127.0.0.0/8']).send(message, AbortSignal.timeout(20_000))).toBe(204)
    expect(await failureOf(webhookFor(['127.0.0.0/8']), 'http://10.0.0.1/')).toMatchObject(REFUSED)
    const rule = createAddressRule(['10.1.0.0/16', 'fd00::/8'])
    expect(['10.1.2.3', '10.2.2.3', 'fd12::1', 'fe80::1', '1.1.1.1', '2606:4700::1111'].map(rule)).toEqual([
      true,
      false,
      true,
      false,
      true,
      true,
    ])
  })

  test('with a user name or password in its address is refused without repeating them', async () => {
    const failure = await failureOf(webhookFor([]), 'https://someone:hunter2@hooks.shop.example/')
    expect(failure).toMatchObject(REFUSED)
    expect(failure.message).not.toContain('hunter2')
  })
})
