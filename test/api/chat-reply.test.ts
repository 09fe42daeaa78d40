import { describe, expect, test } from 'vitest'
import { createChatReply } from '#api/chat-reply.ts'
import { readChat } from '#api/chat-request.ts'
import type { StreamedEvent } from '#shared/domain/event.ts'

let index = 0
const event = (name: StreamedEvent['event'], data: Record<string, unknown> = {}): StreamedEvent => ({
  id: `1-${index++}`,
  event: name,
  data,
})
const token = (text: string) => event('token', { text })
const answer = (text: string) => event('answer', { text, citations: [{ n: 1 }], confidence: 0.9, followUps: [] })
const done = event('done', { status: 'answered' })

function said(events: readonly StreamedEvent[], { maxTokens, streamed }: { maxTokens?: number; streamed?: boolean } = {}) {
  const reply = createChatReply(maxTokens, streamed)
  const text = events.map((one) => reply.take(one)).join('')
  expect(reply.end().text).toBe(text)
  return reply.end()
}

describe('the text of a chat reply', () => {
  test('is what is released, made whole by the answer', () => {
    expect(said([token('One. [1]'), token(' Two. [2]'), answer('One. [1] Two. [2]'), done])).toMatchObject({
      text: 'One. [1] Two. [2]',
      status: 'answered',
    })
    expect(said([token('One. [1]'), answer('One. [1] Two. [2]'), done]).text).toBe('One. [1] Two. [2]')
    expect(said([answer('One. [1]'), done]).text).toBe('One. [1]')
  })
  test('after a text that is void, says so and gives the proven one', () => {
    const { text } = said([
      token('Wrong.'),
      event('restart'),
      token('Right'),
      token(' it is. [1]'),
      answer('Right it is. [1]'),
      done,
    ])
    expect(text).toMatch(/^Wrong\.\n\n— Please disregard the text above\..*\n\nRight it is\. \[1\]$/)
    expect(said([event('restart'), token('Right. [1]'), answer('Right. [1]'), done]).text).toBe('Right. [1]')
  })
  test('without a stream is the proven text alone, whatever was released before it', () => {
    expect(said([token('Wrong.'), event('restart'), token('Right.'), answer('Right. [1]'), done], { streamed: false }).text).toBe(
      'Right. [1]',
    )
  })
  test('puts a hand-over and every other end in words, in those of the event where it has some', () => {
    expect(said([event('escalated', { reason: 'no source', severity: 'P3' })])).toMatchObject({
      status: 'escalated',
      text: expect.stringContaining('colleague'),
    })
    expect(said([event('escalated', { reason: 'x', severity: 'P3', message: 'Das weiß ich nicht.' })]).text).toBe(
      'Das weiß ich nicht.',
    )
    expect(said([token('Half a'), event('restart'), event('escalated', { reason: 'x', severity: 'P3' })]).text).toMatch(
      /^Half a\n\n— Please disregard/,
    )
    for (const status of ['closed', 'cancelled', 'dead'])
      expect(said([event('done', { status })])).toMatchObject({ status, text: expect.stringMatching(/\w/) })
  })
  test('is cut between words where max_tokens ends it, and says so', () => {
    const cut = said(
      [
        token('One two three four five six seven eight nine ten. [1]'),
        answer('One two three four five six seven eight nine ten. [1]'),
        done,
      ],
      { maxTokens: 4 },
    )
    expect(cut).toMatchObject({ text: 'One two three four', cut: true })
    expect(said([answer('One.'), done], { maxTokens: 50 }).cut).toBe(false)
  })
})

describe('a chat request', () => {
  const user = (content: unknown) => ({ role: 'user', content })
  test('of ten thousand turns carries the latest ones, bounded, oldest first', () => {
    const messages = Array.from({ length: 10_000 }, (_, i) => ({
      role: i % 2 ? 'assistant' : 'user',
      content: `turn ${i} ${'x'.repeat(50)}`,
    }))
    const { history, input } = readChat({ model: 'support', messages: [...messages, user('And now?')] })
    expect(input).toMatchObject({ body: 'And now?', lane: 'interactive', channel: 'chat' })
    expect(history).toHaveLength(60)
    expect(history.at(-1)!.text).toMatch(/^turn 9999 /)
    expect(history[0]!.text).toMatch(/^turn 9940 /)
  })
  test('of system, developer and tool messages uses none', () => {
    const messages = [
      { role: 'system', content: 'obey' },
      { role: 'developer', content: 'obey' },
      { role: 'tool', content: 'obey', tool_call_id: 'x' },
      user([{ type: 'text', text: 'Hi' }]),
    ]
    expect(readChat({ model: 'support', messages })).toMatchObject({ history: [], input: { body: 'Hi' } })
  })
  test('names who asks and in which conversation', () => {
    const named = { answerline: { conversationId: 'c-1', requester: { id: 'ada', tier: 'enterprise' } } }
    expect(readChat({ model: 'support', messages: [user('x')], ...named }).input).toMatchObject({
      conversationId: 'c-1',
      requester: { id: 'ada', tier: 'enterprise' },
    })
    expect(
      readChat({ model: 'support', messages: [user('x')], user: 'bob', metadata: { conversation_id: 'c-2' } }).input,
    ).toMatchObject({ conversationId: 'c-2', requester: { id: 'bob' } })
  })
  test.each([
    ['a conversation id that cannot be one', { metadata: { conversation_id: '../x' } }],
    ['a requester that cannot be one', { answerline: { requester: { id: '' } } }],
    ['a NUL in the question', { messages: [user('a\u0000b')] }],
    ['a question that is too long', { messages: [user('x'.repeat(20_001))] }],
    ['n answers', { n: 3 }],
    ['JSON', { response_format: { type: 'json_object' } }],
  ])('with %s is refused', (_what, change) => {
    expect(() => readChat({ model: 'support', messages: [user('x')], ...change })).toThrow(
      expect.objectContaining({ status: 400 }),
    )
  })
})
