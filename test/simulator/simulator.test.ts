import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ModelDraft } from '#shared/domain/draft.ts'
import { passagesIn, questionIn } from './passages-in-prompt.ts'
import { quotedDraft } from './quoted-draft.ts'
import { instanceOf } from './schema-instance.ts'
import { type Simulator, startSimulator, WRONG_KEY } from './simulator.ts'

const ANTHROPIC_VERSION = { 'anthropic-version': '2026-10-21' }
const chat = { model: 'gpt-6-luna', messages: [{ role: 'user', content: 'Hello' }] }
const message = { model: 'claude-haiku-5-5', max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] }

describe('the simulator', () => {
  let simulator: Simulator
  beforeAll(async () => {
    simulator = await startSimulator({ seed: 3 })
  })
  afterAll(() => simulator.close())
  beforeEach(() => fetch(`${simulator.url}/simulator/reset`, { method: 'POST' }))

  async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`${simulator.url}${path}`, {
      method: 'POST',
      headers: { authorization: 'Bearer simulated', 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) }
  }

  it('says in every reply that it is a simulator', async () => {
    expect((await post('/v1/chat/completions', chat)).headers.get('x-simulator')).toContain('simulator')
    expect(await (await fetch(simulator.url)).text()).toContain('come from no model')
  })

  it.each([
    [{ ...chat, model: 'gpt-2' }, 404, 'model_not_found'],
    [{ ...chat, top_k: 3 }, 400, 'unknown_parameter'],
    [{ ...chat, max_tokens: 100 }, 400, 'unsupported_parameter'],
    [{ model: 'gpt-6-luna' }, 400, 'missing_required_parameter'],
    [{ ...chat, messages: [{ role: 'robot', content: 'Hello' }] }, 400, 'invalid_value'],
    [{ ...chat, stream_options: { include_usage: true } }, 400, null],
    [{ ...chat, response_format: { type: 'json_object' } }, 400, null],
    [
      { ...chat, response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema: { type: 'object' } } } },
      400,
      null,
    ],
  ])('refuses %j as OpenAI would', async (body, status, code) => {
    const reply = await post('/v1/chat/completions', body)
    expect(reply.status).toBe(status)
    expect(reply.json().error).toMatchObject({ type: 'invalid_request_error', code })
    expect(simulator.meter()).toMatchObject({ calls: 1, rejected: 1, costUsd: 0 })
  })

  it.each([
    [{ ...message, temperature: 0 }, 'temperature: Extra inputs are not permitted'],
    [{ ...message, max_tokens: undefined }, 'max_tokens: Field required'],
    [{ ...message, messages: [{ role: 'system', content: 'x' }] }, 'messages.0.role'],
    [{ ...message, messages: [...message.messages, { role: 'assistant', content: '{' }] }, 'prefill'],
    [{ ...message, output_config: { format: { type: 'json_schema', schema: { type: 'string', minLength: 1 } } } }, 'minLength'],
  ])('refuses %j as Anthropic would', async (body, text) => {
    const reply = await post('/v1/messages', body, ANTHROPIC_VERSION)
    expect(reply.status).toBe(400)
    expect(reply.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
    expect(reply.json().error.message).toContain(text)
  })

  it('wants a key, a version header, JSON, and a known path', async () => {
    expect((await post('/v1/chat/completions', chat, { authorization: '' })).status).toBe(401)
    expect((await post('/v1/messages', message, { authorization: `Bearer ${WRONG_KEY}`, ...ANTHROPIC_VERSION })).status).toBe(401)
    expect((await post('/v1/messages', message)).json().error.message).toContain('anthropic-version')
    expect((await post('/v1/messages', { ...message, model: 'claude-1' }, ANTHROPIC_VERSION)).status).toBe(404)
    expect((await post('/v1/chat/completions', '{"model":')).status).toBe(400)
    expect((await post('/v1/audio', {})).status).toBe(404)
  })

  it('obeys a fault in a header and counts what it did', async () => {
    expect((await post('/v1/chat/completions', chat, { 'x-simulate': '429' })).headers.get('retry-after')).toBe('1')
    expect((await post('/v1/messages', message, { 'x-simulate': '529', ...ANTHROPIC_VERSION })).status).toBe(529)
    expect(simulator.meter()).toMatchObject({ calls: 2, byFault: { '429': 1, '529': 1 }, costUsd: 0 })
  })

  it('works through a queue of faults by match and count', async () => {
    const rules = [
      { match: 'embeddings', fault: '500' },
      { fault: '429', count: 2 },
    ]
    expect((await post('/simulator/faults', rules)).status).toBe(200)
    const statuses = []
    for (let i = 0; i < 3; i++) statuses.push((await post('/v1/chat/completions', chat)).status)
    expect(statuses).toEqual([429, 429, 200])
    expect((await post('/v1/embeddings', { model: 'text-embedding-3-small', input: 'x' })).status).toBe(500)
    expect((await post('/v1/embeddings', { model: 'text-embedding-3-small', input: 'x' })).status).toBe(200)
    expect((await post('/simulator/faults', { fault: 'flood' })).status).toBe(400)
  })

  it('repeats its dice for the same seed', async () => {
    const rolls = async () => {
      const other = await startSimulator({ seed: 11 })
      other.setFaults([{ fault: '500', probability: 0.5 }])
      const statuses: number[] = []
      for (let i = 0; i < 20; i++) {
        const init = { method: 'POST', headers: { authorization: 'Bearer x' }, body: JSON.stringify(chat) }
        statuses.push((await fetch(`${other.url}/v1/chat/completions`, init)).status)
      }
      await other.close()
      return statuses
    }
    const first = await rolls()
    expect(new Set(first)).toEqual(new Set([200, 500]))
    expect(await rolls()).toEqual(first)
  })

  it('counts the same tokens before and after a reply, and bills by model', async () => {
    const counted = await post('/v1/messages/count_tokens', { ...message, max_tokens: undefined }, ANTHROPIC_VERSION)
    const reply = (await post('/v1/messages', message, ANTHROPIC_VERSION)).json()
    expect(reply.usage.input_tokens).toBe(counted.json().input_tokens)
    await post('/v1/chat/completions', chat)
    const { byModel, costUsd } = simulator.meter()
    expect(Object.keys(byModel).toSorted()).toEqual(['claude-haiku-5-5', 'gpt-6-luna'])
    expect(costUsd).toBeCloseTo(byModel['gpt-6-luna']!.costUsd + byModel['claude-haiku-5-5']!.costUsd, 12)
    expect(costUsd).toBeGreaterThan(0)
  })

  it('lists other models to OpenAI’s client than to Anthropic’s', async () => {
    const list = async (headers: Record<string, string>) => {
      const response = await fetch(`${simulator.url}/v1/models`, { headers: { authorization: 'Bearer x', ...headers } })
      return ((await response.json()) as { data: { id: string }[] }).data.map(({ id }) => id)
    }
    expect(await list({})).toContain('gpt-6.1-terra')
    expect(await list(ANTHROPIC_VERSION)).toContain('claude-opus-5-5')
    expect(await list(ANTHROPIC_VERSION)).not.toContain('gpt-6.1-terra')
  })
})

describe('the simulated draft', () => {
  const passages = [
    { n: 4, text: '# Pairing\n\nHold the reset button for ten seconds. The light turns blue.' },
    { n: 7, text: 'Orders ship within two days. A return label costs 4.90 euros.' },
  ]

  it('quotes sentences of the passages word for word and cites them', () => {
    const draft = quotedDraft('How long do I hold the reset button?', passages)
    expect(draft).toEqual({
      answerable: true,
      sentences: [{ text: 'Hold the reset button for ten seconds.', citations: [4] }],
      followUps: [],
    })
    expect(ModelDraft.parse(draft)).toEqual(draft)
  })

  it('declines when the passages have nothing to say', () => {
    expect(quotedDraft('Which bird is the fastest?', passages)).toMatchObject({ answerable: false, sentences: [] })
    expect(quotedDraft('anything', [])).toMatchObject({ answerable: false, sentences: [] })
  })
})

describe('reading a prompt', () => {
  it('finds passages whatever their attributes, and not the list around them', () => {
    const prompt =
      '<passages><passage title="A" n="3">one</passage>\n<passage id=\'5\'>two</passage><passage>three</passage></passages>'
    expect(passagesIn(prompt)).toEqual([
      { n: 3, text: 'one' },
      { n: 5, text: 'two' },
      { n: 3, text: 'three' },
    ])
  })

  it('finds the question in a tag, or else takes what is left beside the passages', () => {
    expect(questionIn('<passage n="1">x</passage><question> Why? </question>')).toBe('Why?')
    expect(questionIn('<passage n="1">x</passage>\nWhy though?')).toBe('Why though?')
  })

  it('survives unclosed and endless tags', () => {
    expect(passagesIn('<passage n="1">never closed')).toEqual([])
    expect(passagesIn('<passage'.repeat(20_000))).toEqual([])
  })
})

describe('an instance of a schema', () => {
  it('is valid: first enum values, fewest items, bounds from keywords and from descriptions', () => {
    const schema = {
      type: 'object',
      properties: {
        mood: { enum: ['calm', 'angry'] },
        tags: { type: 'array', items: { $ref: '#/$defs/tag' }, description: '{minItems: 2}' },
        score: { type: 'number', description: 'from one {minimum: 1, maximum: 5}' },
        note: { anyOf: [{ type: 'string', maxLength: 4 }, { type: 'null' }] },
        sure: { type: 'boolean' },
      },
      $defs: { tag: { const: 'tag' } },
    }
    expect(instanceOf(schema)).toEqual({ mood: 'calm', tags: ['tag', 'tag'], score: 1, note: 'simu', sure: false })
  })
})
