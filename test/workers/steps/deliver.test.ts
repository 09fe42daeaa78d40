import { describe, expect, test } from 'vitest'
import { Receipt } from '#shared/domain/answer.ts'
import { WebhookDelivery } from '#shared/domain/delivery.ts'
import { memoryAnswerCache } from '#test/fakes/answer-cache.memory.ts'
import { memoryCacheEvidence } from '#test/fakes/cache-evidence.memory.ts'
import { memoryConversations } from '#test/fakes/conversation-store.memory.ts'
import { memoryDispatcher } from '#test/fakes/dispatcher.memory.ts'
import { MemoryKnowledge } from '#test/fakes/knowledge.memory.ts'
import { sampleAnswer, sampleScreened, sampleTenant, sampleTicket, sampleVerdict } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { deliver } from '#workers/steps/deliver.ts'

type Facts = Parameters<typeof deliver>[0]
const screened = sampleScreened({ placeholders: [{ token: '[EMAIL_1]', type: 'EMAIL', value: 'ada@example.org' }] })
const recalled = { key: 'k', partition: 'v0.p', hit: false, cacheable: true }
const verdict = sampleVerdict('deliver')

function world() {
  const conversations = memoryConversations()
  const dispatcher = memoryDispatcher()
  const cache = memoryAnswerCache()
  const cacheEvidence = memoryCacheEvidence()
  const knowledge = new MemoryKnowledge()
  const run = (facts: Partial<Facts> = {}, context = stepContext()) =>
    deliver(
      { ticket: sampleTicket(), answer: sampleAnswer(), ...facts },
      { conversations, dispatcher, cache, cacheEvidence, knowledge },
      context,
    )
  return { conversations, dispatcher, cache, cacheEvidence, knowledge, run }
}

describe('the reply', () => {
  test('is recorded in its conversation, and the receipt shows what went out', async () => {
    const { run, conversations } = world()
    const { outcome, facts } = await run({ screened, recalled, verdict })
    const { text, citations, confidence, followUps } = sampleAnswer()
    expect(outcome).toBe('delivered')
    expect(facts.receipt).toEqual({
      messageId: conversations.replies[0]!.id,
      deliveredAt: '2026-11-21T12:00:00.000Z',
      text,
      citations,
      confidence,
      followUps,
    })
    expect(Receipt.parse(facts.receipt)).toEqual(facts.receipt)
    expect(conversations.replies).toMatchObject([
      { tenantId: 'acme', conversationId: 'cnv_1', ticketId: 'tkt_1', runId: 'run_1', author: 'machine', body: text },
    ])
  })
  test('has personal data in its place again, in the text and in the questions that follow', async () => {
    const { run, conversations, cache } = world()
    const answer = sampleAnswer({ text: 'We write to [EMAIL_1], not to [EMAIL_2]. [1]', followUps: ['Is [EMAIL_1] right?'] })
    const ticket = sampleTicket({ callbackUrl: 'https://shop.example/hook' })
    const { facts } = await run({ ticket, answer, screened, recalled: { ...recalled, cacheable: false }, verdict })
    expect(facts.receipt.text).toBe('We write to ada@example.org, not to [EMAIL_2]. [1]')
    expect(facts.receipt.followUps).toEqual(['Is ada@example.org right?'])
    expect(conversations.replies[0]!.body).toBe(facts.receipt.text)
    expect(JSON.parse(WebhookDelivery.parse(conversations.callbacks[0]!.given.delivery).body).data.answer).toEqual({
      text: facts.receipt.text,
      citations: answer.citations,
      confidence: 0.9,
      followUps: facts.receipt.followUps,
    })
    expect(cache.entries.size).toBe(0)
  })
  test('is one, however often the step is repeated; whoever comes later is told of the first', async () => {
    const { run, conversations } = world()
    const first = await run()
    const late = stepContext({ now: new Date('2026-11-21T13:00:00Z'), attempt: 2 })
    expect(await run({ answer: sampleAnswer({ text: 'Another text. [1]' }) }, late)).toEqual(first)
    expect(conversations.replies.length).toBe(1)
  })
  test('of a person is signed as that', async () => {
    const { run, conversations } = world()
    await run({ answer: sampleAnswer({ by: 'person', text: 'We call you.', citations: [] }) })
    expect(conversations.replies[0]).toMatchObject({ author: 'person', body: 'We call you.' })
  })
})

describe('the callback', () => {
  const ticket = sampleTicket({ callbackUrl: 'https://shop.example/hook', metadata: { order: 'A-1' } })
  test('is a run of its own, begun with the reply, that sends one message with a stable id', async () => {
    const { run, conversations, dispatcher } = world()
    const { facts } = await run({ ticket })
    const [callback] = conversations.callbacks
    expect(callback).toMatchObject({
      pipeline: 'send-webhook',
      subjectId: 'tkt_1',
      tenantId: 'acme',
      traceId: 'trace_1',
      state: { step: 'send', status: 'queued' },
    })
    const delivery = WebhookDelivery.parse(callback!.given.delivery)
    expect(delivery).toMatchObject({ messageId: facts.receipt.messageId, url: 'https://shop.example/hook' })
    expect(JSON.parse(delivery.body)).toMatchObject({
      type: 'ticket.answered',
      data: { ticketId: 'tkt_1', by: 'machine', metadata: { order: 'A-1' } },
    })
    expect(facts.receipt.webhookRunId).toBe(callback!.id)
    expect(dispatcher.jobs).toMatchObject([{ runId: callback!.id, seq: 0, pipeline: 'send-webhook', step: 'send' }])
  })
  test('is the same run when the step is repeated', async () => {
    const { run, conversations, dispatcher } = world()
    await run({ ticket })
    await run({ ticket }, stepContext({ attempt: 2 }))
    expect(conversations.callbacks.length).toBe(1)
    expect(new Set(dispatcher.jobs.map(({ runId }) => runId)).size).toBe(1)
  })
  test('goes to the tenant’s address when the ticket names none, and the ticket’s own comes first', async () => {
    const context = stepContext({ tenant: sampleTenant({ webhook: { url: 'https://tenant.example/hook' } }) })
    const [own, general] = [world(), world()]
    await own.run({ ticket }, context)
    await general.run({}, context)
    const urls = [own, general].map(({ conversations }) => WebhookDelivery.parse(conversations.callbacks[0]!.given.delivery).url)
    expect(urls).toEqual(['https://shop.example/hook', 'https://tenant.example/hook'])
  })
  test('is none where nobody asked for one', async () => {
    const { run, conversations, dispatcher } = world()
    expect((await run()).facts.receipt).not.toHaveProperty('webhookRunId')
    expect([conversations.callbacks, dispatcher.jobs]).toEqual([[], []])
  })
  test('waits for the sweeper while the queues are away; the reply is out', async () => {
    const { run, conversations, dispatcher } = world()
    dispatcher.fail = true
    expect((await run({ ticket })).outcome).toBe('delivered')
    expect([conversations.replies.length, conversations.callbacks.length]).toEqual([1, 1])
  })
})

describe('the cache', () => {
  test('is given a proven answer as it was proven, masked', async () => {
    const { run, cache } = world()
    await run({ recalled, verdict, screened })
    const kept = {
      answer: sampleAnswer(),
      verdict,
      ticketId: 'tkt_1',
      sources: [{ documentId: 'kb-1', contentHash: 'hash-1' }],
      question: 'Return\nHow long can I return a hub?',
    }
    expect([...cache.entries]).toEqual([['["acme","v0.p","k"]', kept]])
  })
  test.each<[string, (known: ReturnType<typeof world>) => unknown]>([
    [
      'is being indexed anew',
      ({ cacheEvidence }) => cacheEvidence.documents.set('kb-1', { contentHash: 'hash-2', settled: false }),
    ],
    ['is gone', ({ cacheEvidence }) => cacheEvidence.documents.delete('kb-1')],
    ['may have changed since it was read', ({ knowledge }) => knowledge.bump('acme')],
  ])('is not given an answer whose document %s', async (_name, change) => {
    const known = world()
    await change(known)
    await known.run({ recalled, verdict, screened })
    expect(known.cache.entries.size).toBe(0)
  })
  test.each<[string, Partial<Facts>, boolean]>([
    ['says the same', {}, true],
    ['has another figure', { answer: sampleAnswer({ text: 'You can return a product within 30 days. [1]' }) }, false],
    ['had to be given by a person', { answer: sampleAnswer({ by: 'person' }) }, false],
  ])('learns from a fresh answer beside a near question whose own %s', async (_name, facts, correct) => {
    const { run, cache, cacheEvidence } = world()
    const near = { answer: sampleAnswer(), verdict, ticketId: 'tkt_0', sources: [], question: 'Returning a hub?' }
    await cache.put('acme', 'v0.p', 'near', near, 1_000)
    const nearest = { key: 'near', ticketId: 'tkt_0', similarity: 0.8 }
    await run({ recalled: { ...recalled, nearest }, verdict, screened, ...facts })
    await run({ recalled: { ...recalled, nearest }, verdict, screened, ...facts }, stepContext({ attempt: 2 }))
    expect(cacheEvidence.observed).toMatchObject([
      { tenantId: 'acme', questionKey: 'near', similarity: 0.8, correct, origin: 'answer' },
    ])
  })
  test.each<[string, Partial<Facts>]>([
    ['came from there', { recalled: { ...recalled, hit: true }, verdict, answer: sampleAnswer({ by: 'cache' }) }],
    ['a person wrote', { recalled, verdict, answer: sampleAnswer({ by: 'person' }) }],
    ['is one person’s own', { recalled: { ...recalled, cacheable: false }, verdict }],
    ['was not looked up', { verdict }],
    ['has no verdict', { recalled }],
  ])('is not given an answer that %s', async (_name, facts) => {
    const { run, cache } = world()
    await run(facts)
    expect(cache.entries.size).toBe(0)
  })
  test('that is away does not hold up a reply', async () => {
    const { run, cache, conversations } = world()
    cache.fail = true
    const context = stepContext()
    expect((await run({ recalled, verdict, screened }, context)).outcome).toBe('delivered')
    expect([conversations.replies.length, context.log.lines.length]).toEqual([1, 1])
  })
})
