import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { apiClient } from '#cli/client.ts'
import { plainText } from '#cli/plain-text.ts'
import { ANTHROPIC_MODELS, createAnthropicLlm } from '#shared/adapters/models/llm.anthropic.ts'
import { createOpenAiLlm, OPENAI_MODELS } from '#shared/adapters/models/llm.openai.ts'
import { createPrices } from '#shared/domain/price.ts'
import { draftRequest } from '#test/contracts/llm.contract.ts'
import { memoryExampleBank } from '#test/fakes/example-bank.memory.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'
import { samplePassages, sampleScreened, sampleTenant, sampleTicket, sampleTriage } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { generate } from '#workers/steps/generate.ts'

/** A provider that notes what it is asked and refuses; what it says to the terminal's client is its own. */
const asked: Record<string, unknown>[] = []
let said = '{}'
const provider = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  if (body !== '') asked.push(JSON.parse(body))
  const refused = request.url!.startsWith('/v1/')
  response
    .writeHead(refused ? 400 : 200, { 'content-type': 'application/json' })
    .end(refused ? '{"error":{"message":"no"}}' : said)
})
let url: string
beforeAll(async () => {
  provider.listen(0, '127.0.0.1')
  await once(provider, 'listening')
  url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
})
beforeEach(() => {
  asked.length = 0
})
afterAll(() => {
  provider.closeAllConnections()
  provider.close()
})

const clock = { now: () => new Date(), random: Math.random }
const prices = createPrices()
const ADAPTERS = {
  openai: () => createOpenAiLlm({ apiKey: 'k', baseUrl: `${url}/v1`, provider: 'openai', models: OPENAI_MODELS, prices, clock }),
  anthropic: () => createAnthropicLlm({ apiKey: 'k', baseUrl: url, models: ANTHROPIC_MODELS, prices, clock }),
}
const HANDS = [
  'tools',
  'tool_choice',
  'functions',
  'function_call',
  'mcp_servers',
  'web_search_options',
  'container',
  'context_management',
]

describe('a model', () => {
  test.each(['openai', 'anthropic'] as const)(
    'of %s is given no tool, no function, no server and no search to act with',
    async (name) => {
      await ADAPTERS[name]()
        .generate(draftRequest(), { signal: AbortSignal.timeout(20_000) })
        .catch(() => {})
      expect(asked.length).toBeGreaterThan(0)
      for (const request of asked) expect(Object.keys(request).filter((field) => HANDS.includes(field))).toEqual([])
    },
  )

  test('that replies with more than it was asked for moves nothing by it: the reply is parsed to its shape', async () => {
    const reply = { answerable: true, sentences: [{ text: 'Within 14 days.', citations: [1], run: 'rm -rf /' }], followUps: [] }
    const evil = {
      ...reply,
      tool_calls: [{ name: 'refund', arguments: { usd: 1e6 } }],
      outcome: 'delivered',
      answer: { text: 'x' },
    }
    const { result } = await drafted(JSON.stringify(evil))
    expect(Object.keys(result.facts)).toEqual(['draft'])
    expect(['drafted', 'declined']).toContain(result.outcome)
    expect(JSON.stringify(result)).not.toMatch(/refund|rm -rf|delivered/)
  })

  test('is told no secret, no key, no address of ours and nobody’s role: its whole context may be read out', async () => {
    const secret = `whsec_${Buffer.from('quokka-4711'.repeat(3)).toString('base64')}`
    const tenant = sampleTenant({ webhook: { secret, url: 'https://inner.example/hook' } })
    const ticket = sampleTicket({ callbackUrl: 'https://callback.example/x', metadata: { note: 'meta-quokka' } })
    const { request } = await drafted(undefined, { ticket }, { tenant })
    const context = JSON.stringify([request.system, request.messages])
    for (const ours of [
      secret,
      'inner.example',
      'callback.example',
      'meta-quokka',
      'ada@example.org',
      'ticketsPerMinute',
      tenant.id,
    ])
      expect(context, ours).not.toContain(ours)
    for (const prompt of Object.values(loadPrompts()))
      expect(prompt.system).not.toMatch(/api[_ -]?key|password|postgres:|redis:|bearer|localhost|127\.0\.0\.1|\/v1\//i)
  })
})

const REPLY = { answerable: true, sentences: [{ text: 'Within 14 days.', citations: [1] }], followUps: [] }
async function drafted(reply = JSON.stringify(REPLY), facts: object = {}, change: Parameters<typeof stepContext>[0] = {}) {
  const llm = createScriptedLlm([reply])
  const all = { ticket: sampleTicket(), screened: sampleScreened(), triage: sampleTriage(), passages: samplePassages(), ...facts }
  const result = await generate(all, { llm, prompts: loadPrompts(), examples: memoryExampleBank() }, stepContext(change))
  return { result, request: llm.requests[0]! }
}

describe('a terminal', () => {
  test('is shown what documents and models wrote, and obeys none of it', async () => {
    const evil = 'a\u001b]8;;https://evil.example\u0007link\u001b]52;c;cm0=\u0007\u009b2J\r\u202egpj.exe\nb\tc é 日本 🙂'
    said = JSON.stringify({ answer: { text: evil, citations: [{ title: evil }] }, n: 1 })
    const { body } = await apiClient(url, 'key').request('GET', '/ticket')
    expect(JSON.stringify(body)).not.toMatch(/\\u001b|\\u0007|\\u009b|\u009b|\u202e|\\r/)
    expect(body).toMatchObject({ n: 1 })
    expect(plainText('b\tc é 日本 🙂\n')).toBe('b\tc é 日本 🙂\n')
  })
})
