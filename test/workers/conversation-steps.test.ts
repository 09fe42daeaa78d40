import { describe, expect, test } from 'vitest'
import type { Turn } from '#shared/domain/conversation.ts'
import { Parked, retryable } from '#shared/domain/failure.ts'
import type { Run } from '#shared/domain/run.ts'
import type { RunMover } from '#shared/ports/run-mover.ts'
import { memoryConversations } from '#test/fakes/conversation-store.memory.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'
import { sampleAnswer, samplePassages, sampleScreened, sampleTicket, sampleTriage } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { endingTurn, inTurn, knowingHistory, singleTurn, standingAlone, wakeNextTurn } from '#workers/conversation-steps.ts'
import { loadPrompts } from '#workers/prompts.ts'
import type { Deps } from '#workers/step.ts'
import { deliver } from '#workers/steps/deliver.ts'
import { generate } from '#workers/steps/generate.ts'

const NAMED = sampleTicket({ conversationId: 'shop-7', id: 'tkt_9' })
const NOW = stepContext().now
const TURNS: Turn[] = [
  {
    ticketId: 'tkt_1',
    asked: 'What is the warranty of a Hub 2?',
    answered: 'Three years.',
    author: 'machine',
    at: new Date(NOW.getTime() - 60_000),
  },
]
const NO_BANK = { list: async () => [] }
function world(change: Partial<Deps> = {}, turns: readonly Turn[] = TURNS) {
  const conversations = { ...memoryConversations(), history: async () => ({ turns }) }
  return { conversations, prompts: loadPrompts(), modelAvailable: false, examples: NO_BANK, ...change } as unknown as Deps
}
const DRAFT = JSON.stringify({ answerable: true, sentences: [{ text: 'Within 14 days.', citations: [1] }], followUps: [] })

describe('turns of one conversation', () => {
  const screen = inTurn(async () => ({ outcome: 'clean', facts: { screened: sampleScreened() } }))
  const busy = (hasEarlierTurn: boolean) =>
    world({ conversations: { ...memoryConversations(), hasEarlierTurn: async () => hasEarlierTurn } })
  const context = (secondsAfter: number) =>
    stepContext({ now: new Date(new Date(NAMED.receivedAt).getTime() + secondsAfter * 1_000) })

  test('wait for those before them, parked, and go on when these are at rest', async () => {
    const parked = await Promise.resolve(screen({ ticket: NAMED }, busy(true), context(1))).catch((error: unknown) => error)
    expect(parked).toBeInstanceOf(Parked)
    expect((parked as Parked).until.getTime()).toBe(context(6).now.getTime())
    expect(await screen({ ticket: NAMED }, busy(false), context(1))).toMatchObject({ outcome: 'clean' })
  })
  test('wait for a bounded time, and tickets without a conversation not at all', async () => {
    expect(await screen({ ticket: NAMED }, busy(true), context(120))).toMatchObject({ outcome: 'clean' })
    const alone = sampleTicket({ id: 'tkt_9', conversationId: 'cnv_9' })
    expect(await screen({ ticket: alone }, busy(true), context(1))).toMatchObject({ outcome: 'clean' })
  })
  test('are woken by the end of the one before, of its own conversation, at the seq that was seen', async () => {
    const moves: unknown[] = []
    const mover = { move: async (...args: unknown[]) => void moves.push(args) } as unknown as RunMover
    const store = {
      ...memoryConversations(),
      nextWaitingTurn: async (_tenant: string, id: string) => (id === 'shop-7' ? { runId: 'run_next', seq: 4 } : undefined),
    }
    const wake = wakeNextTurn(store, mover)
    const run = { tenantId: 'acme', facts: { ticket: NAMED } } as unknown as Run
    await wake(run, 'running')
    expect(moves).toEqual([])
    await wake(run, 'answered')
    await wake(run, 'waiting')
    expect(moves).toEqual(Array(2).fill(['run_next', { kind: 'resumed' }, 'the turn before', 4]))
  })
})

describe('with turns before it', () => {
  test('a question is neither answered from the cache nor kept in it', async () => {
    const recall = singleTurn(async (_facts, { cache }) => {
      const hit = await cache.get('acme', 'p', 'k')
      const recalled = { key: 'k', partition: 'p', hit: hit !== undefined, cacheable: true }
      return hit
        ? { outcome: 'hit', facts: { recalled, answer: hit.answer, verdict: hit.verdict } }
        : { outcome: 'miss', facts: { recalled } }
    })
    const facts = { ticket: NAMED, screened: sampleScreened() }
    const cache = { get: async () => ({ answer: sampleAnswer(), verdict: {} }), put: async () => {} } as unknown as Deps['cache']
    expect(await recall(facts, world({ cache }), stepContext())).toMatchObject({
      outcome: 'miss',
      facts: { recalled: { cacheable: false } },
    })
    expect(await recall(facts, world({ cache }, []), stepContext())).toMatchObject({ outcome: 'hit' })
  })

  const classify = (query: string) =>
    standingAlone(async () => ({ outcome: 'answerable', facts: { triage: sampleTriage({ query }) } }))
  const facts = { ticket: NAMED, screened: sampleScreened() }
  const queryOf = async (query: string, deps: Deps, lane: 'interactive' | 'standard' = 'standard') =>
    (await classify(query)(facts, deps, stepContext({ lane }))).facts.triage.query

  test('a follow-up is rewritten by rule, or by a model where there is one and nobody waits', async () => {
    const llm = createScriptedLlm([JSON.stringify({ query: 'How long is the warranty of a Hub 2?' })])
    expect(await queryOf('And how long is it?', world())).toContain('warranty')
    expect(await queryOf('And how long is it?', world({ llm, modelAvailable: true }))).toBe(
      'How long is the warranty of a Hub 2?',
    )
    expect(llm.requests[0]!.messages[0]!.content).toContain('customer: What is the warranty of a Hub 2?')
    expect(await queryOf('And how long is it?', world({ llm, modelAvailable: true }), 'interactive')).toContain(
      'And how long is it?\n',
    )
    expect(llm.requests).toHaveLength(1)
  })
  test('a model that fails leaves the rule, and a question that stands alone stays', async () => {
    const llm = createScriptedLlm([retryable('provider-unavailable', 'away')])
    expect(await queryOf('And how long is it?', world({ llm, modelAvailable: true }))).toContain('warranty')
    expect(await queryOf('How do I factory reset a Hub 2 with the button?', world())).toBe(
      'How do I factory reset a Hub 2 with the button?',
    )
  })

  const draft = { ticket: NAMED, screened: sampleScreened(), triage: sampleTriage(), passages: samplePassages() }
  test('the draft is asked for with the conversation, fenced as data, before the passages', async () => {
    const llm = createScriptedLlm([DRAFT])
    await knowingHistory(generate)(draft as never, world({ llm }), stepContext())
    const { content } = llm.requests[0]!.messages[0]!
    expect(content).toMatch(
      /^<conversation-so-far [0-9a-f]{12}>\ncustomer: What is the warranty of a Hub 2\?\nsupport: Three years\.\n<\/conversation-so-far/,
    )
    expect(content.indexOf('<conversation-so-far')).toBeLessThan(content.indexOf('<passages'))
    await knowingHistory(generate)(draft as never, world({ llm }, []), stepContext())
    expect(llm.requests[1]!.messages[0]!.content).not.toContain('conversation-so-far')
  })
  test('a message that the guard distrusts is answered without the conversation, and is not remembered in it', async () => {
    const screened = sampleScreened({ guard: 'suspicious' })
    const llm = createScriptedLlm([DRAFT])
    await knowingHistory(generate)({ ...draft, screened } as never, world({ llm }), stepContext())
    expect(llm.requests[0]!.messages[0]!.content).not.toContain('conversation-so-far')
    const conversations = memoryConversations()
    const deps = world({ conversations, cache: {} as Deps['cache'] })
    const ticket = { ...NAMED, callbackUrl: undefined }
    await endingTurn(deliver)({ ticket, screened, answer: sampleAnswer({ text: 'In 14 days.' }) } as never, deps, stepContext())
    expect((await conversations.history('acme', 'shop-7')).turns).toMatchObject([{ asked: '', answered: 'In 14 days.' }])
  })
  test('older turns are summarised by the cheap tier once they are many, and kept; without a model by rule', async () => {
    const many = Array.from({ length: 40 }, (_, n) => ({
      ...TURNS[0]!,
      ticketId: `tkt_${n}`,
      asked: `Question ${n}? ${'word '.repeat(60)}`,
      at: new Date(NOW.getTime() - 60_000 + n),
    }))
    const llm = createScriptedLlm([JSON.stringify({ summary: 'The customer has a Hub 2.' }), DRAFT])
    const deps = world({ llm, modelAvailable: true }, many)
    const kept: unknown[] = []
    Object.assign(deps.conversations, { summarise: async (...args: unknown[]) => void kept.push(args) })
    await knowingHistory(generate)(draft as never, deps, stepContext())
    expect(llm.requests.map(({ task, tier }) => [task, tier])[0]).toEqual(['summarise', 'cheap'])
    expect(llm.requests[1]!.messages[0]!.content).toContain('The customer has a Hub 2.')
    expect(kept).toMatchObject([['acme', 'shop-7', { text: 'The customer has a Hub 2.' }]])
    const alone = createScriptedLlm([DRAFT])
    await knowingHistory(generate)(draft as never, world({ llm: alone }, many), stepContext())
    expect(alone.requests[0]!.messages[0]!.content).toContain('- asked: Question ')
  })

  test('a delivered turn is kept with personal data masked for good', async () => {
    const conversations = memoryConversations()
    const deps = world({ conversations, cache: {} as Deps['cache'] })
    const ticket = { ...NAMED, callbackUrl: undefined }
    const screened = sampleScreened({
      text: 'Write to [EMAIL_1].',
      placeholders: [{ token: '[EMAIL_1]', type: 'EMAIL', value: 'ada@example.org' }],
    })
    const answer = sampleAnswer({ text: 'We wrote to ada@example.org.', by: 'person' })
    await endingTurn(deliver)({ ticket, screened, answer } as never, deps, stepContext())
    const { turns } = await conversations.history('acme', 'shop-7')
    expect(turns).toMatchObject([
      { ticketId: 'tkt_9', asked: 'Return\nWrite to [EMAIL].', answered: 'We wrote to [EMAIL].', author: 'person' },
    ])
  })
})
