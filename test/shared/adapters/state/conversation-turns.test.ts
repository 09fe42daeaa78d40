import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createConversationStore } from '#shared/adapters/state/conversation-store.postgres.ts'
import { createHotConversations } from '#shared/adapters/state/conversation-store.redis.ts'
import { createTicketStore } from '#shared/adapters/state/ticket-store.postgres.ts'
import type { Turn } from '#shared/domain/conversation.ts'
import type { ConversationStore, Reply } from '#shared/ports/conversation-store.ts'
import { newRun } from '#test/contracts/run-log.contract.ts'
import { sampleTicket } from '#test/fakes/sample-facts.ts'
import { onEveryDatabase } from '#test/servers/databases.ts'
import { hasRedis } from '#test/servers/redis.ts'
import { type QueueWorld, queueWorld } from './queue-world.ts'

const AT = new Date('2026-11-21T12:00:00.000Z')
const later = (seconds: number) => new Date(AT.getTime() + seconds * 1_000)
let names = 0
const newConversation = () => `cnv-${++names}`

/** A delivered reply with its turn. */
function ended(conversationId: string, n: number, tenantId = 'acme'): [Reply, Turn] {
  const ticketId = `tkt_${conversationId}_${n}`
  const reply: Reply = {
    id: `msg_${ticketId}`,
    tenantId,
    conversationId,
    ticketId,
    runId: `run_${ticketId}`,
    author: 'machine',
    body: `answer ${n} to ada@example.org`,
    citations: [],
    createdAt: later(n),
  }
  return [reply, { ticketId, asked: `question ${n}`, answered: `answer ${n} to [EMAIL]`, author: 'machine', at: later(n) }]
}
const deliver = async (store: ConversationStore, conversationId: string, n: number, tenantId?: string) => {
  const [reply, turn] = ended(conversationId, n, tenantId)
  await store.deliver(reply, undefined, turn)
  return turn
}

onEveryDatabase((database) => {
  const store = () => createConversationStore(database())

  test('a conversation is its first requester’s, of one tenant, also when twenty claim it at once', async () => {
    const id = newConversation()
    const claims = await Promise.all(Array.from({ length: 20 }, (_, i) => store().claim('acme', id, `c-${i % 2}`, AT)))
    expect(claims.filter(Boolean)).toHaveLength(10)
    const owner = claims[0] ? 'c-0' : 'c-1'
    expect(await store().claim('acme', id, owner, AT)).toBe(true)
    expect(await store().claim('acme', id, 'c-2', AT)).toBe(false)
    expect(await store().claim('globex', id, 'c-2', AT)).toBe(true)
  })

  test('a conversation that a ticket began by itself is the requester’s of that ticket', async () => {
    const id = newConversation()
    const ticket = sampleTicket({ id: 'tkt_begun', conversationId: id, requester: { id: 'ada' } })
    await createTicketStore(database()).accept({ ticket, run: newRun({ tenantId: 'acme', subjectId: ticket.id }) })
    expect(await store().claim('acme', id, 'eve', AT)).toBe(false)
    expect(await store().claim('acme', id, 'ada', AT)).toBe(true)
  })

  test('the ticket that a conversation is named after belongs to it like those that came later', async () => {
    const tickets = createTicketStore(database())
    const name = `own${++names}`
    const arrive = async (id: string, conversationId: string, n: number, requester: string) => {
      const ticket = sampleTicket({ id, conversationId, requester: { id: requester } })
      const run = newRun({ tenantId: 'acme', subjectId: id, pipeline: 'support-ticket', createdAt: later(n) })
      await tickets.accept({ ticket, run: { ...run, state: { ...run.state, status: 'parked', step: 'screen' } } })
      return run.id
    }
    const conversation = `cnv_${name}`
    const first = await arrive(`tkt_${name}`, conversation, 1, 'ada')
    await arrive(`tkt_${name}b`, conversation, 2, 'bob')
    await arrive(`tkt_${name}c`, 'abc', 3, 'eve')
    expect(await store().claim('acme', conversation, 'bob', AT)).toBe(false)
    expect(await store().claim('acme', conversation, 'ada', AT)).toBe(true)
    expect(await store().claim('acme', 'abc', 'eve', AT)).toBe(true)
    expect(await store().hasEarlierTurn('acme', `tkt_${name}`, 60_000)).toBe(false)
    expect(await store().hasEarlierTurn('acme', `tkt_${name}b`, 60_000)).toBe(true)
    expect(await store().hasEarlierTurn('acme', `tkt_${name}c`, 60_000)).toBe(false)
    await database().asSystem('test', "UPDATE tickets SET created_at = now() - interval '1 hour' WHERE conversation_id = $1", [
      conversation,
    ])
    expect((await store().nextWaitingTurn('acme', conversation))?.runId).toBe(first)
  })

  test('turns come back in order, the latest fifty of however many, each once', async () => {
    const id = newConversation()
    for (let n = 0; n < 60; n++) await deliver(store(), id, n)
    await deliver(store(), id, 59)
    const { turns, summary } = await store().history('acme', id)
    expect(turns.map(({ asked }) => asked)).toEqual(Array.from({ length: 50 }, (_, i) => `question ${i + 10}`))
    expect(turns.at(-1)).toEqual(ended(id, 59)[1])
    expect(summary).toBeUndefined()
    expect((await store().history('globex', id)).turns).toEqual([])
  })

  test('a summary is kept, and one that reaches less far does not replace it', async () => {
    const id = newConversation()
    await store().claim('acme', id, 'ada', AT)
    await store().summarise('acme', id, { text: 'up to 5', until: later(5) })
    await store().summarise('acme', id, { text: 'up to 3', until: later(3) })
    expect((await store().history('acme', id)).summary).toEqual({ text: 'up to 5', until: later(5) })
  })

  test('a turn knows of earlier ones that are still being worked on, and who waits next', async () => {
    const id = newConversation()
    const tickets = createTicketStore(database())
    const arrive = async (n: number, status: 'queued' | 'parked' | 'answered' | 'waiting') => {
      const ticket = sampleTicket({ id: `tkt_${id}_${n}`, conversationId: id })
      const run = newRun({ tenantId: 'acme', subjectId: ticket.id, pipeline: 'support-ticket', createdAt: later(n) })
      const state = { ...run.state, status, step: 'screen' }
      await tickets.accept({ ticket, run: { ...run, state } })
      return { ticketId: ticket.id, runId: run.id }
    }
    const first = await arrive(1, 'answered')
    const second = await arrive(2, 'waiting')
    expect(await store().hasEarlierTurn('acme', second.ticketId, 60_000)).toBe(false)
    const third = await arrive(3, 'queued')
    const fourth = await arrive(4, 'parked')
    expect(await store().hasEarlierTurn('acme', third.ticketId, 60_000)).toBe(false)
    expect(await store().hasEarlierTurn('acme', fourth.ticketId, 60_000)).toBe(true)
    expect(await store().hasEarlierTurn('acme', fourth.ticketId, 500)).toBe(false)
    expect(await store().hasEarlierTurn('globex', fourth.ticketId, 60_000)).toBe(false)
    expect(await store().hasEarlierTurn('acme', first.ticketId, 60_000)).toBe(false)
  })
})

describe.skipIf(!hasRedis)('at hand in Redis (needs redis-server on PATH)', () => {
  let world: QueueWorld
  beforeAll(async () => {
    world = await queueWorld()
  })
  afterAll(() => world.close())

  /** A store behind Redis that counts what it is asked, and can be away. */
  function behind() {
    const turns: Turn[] = []
    const asked = { histories: 0 }
    const store = {
      deliver: async (reply: Reply, _callback: unknown, turn?: Turn) => {
        if (turn && !turns.some(({ ticketId }) => ticketId === turn.ticketId)) turns.push(turn)
        return reply
      },
      history: async () => {
        asked.histories++
        return { turns: turns.slice(-50) }
      },
      summarise: async () => {},
    } as unknown as ConversationStore
    return { turns, asked, hot: createHotConversations(world.redis, 'test', store) }
  }

  test('a history is read from the store once, and grows with every turn from then on', async () => {
    const id = newConversation()
    const { asked, hot, turns } = behind()
    await deliver(hot, id, 1)
    expect((await hot.history('acme', id)).turns).toEqual(turns)
    for (const n of [2, 3, 3]) await deliver(hot, id, n)
    expect((await hot.history('acme', id)).turns.map(({ asked: question }) => question)).toEqual([
      'question 1',
      'question 2',
      'question 3',
    ])
    expect((await hot.history('acme', id)).turns).toEqual(turns)
    expect(asked.histories).toBe(1)
    expect(await world.redis.ttl(`test:conversation:acme:${id}`)).toBeGreaterThan(86_000)
  })

  test('a conversation of ten thousand turns stays short in Redis and in what is read', async () => {
    const id = newConversation()
    const { hot } = behind()
    await hot.history('acme', id)
    const key = `test:conversation:acme:${id}`
    const rows = Array.from({ length: 10_000 }, (_, n) => JSON.stringify(ended(id, n)[1]))
    await world.redis.rpush(key, ...rows)
    const { turns } = await hot.history('acme', id)
    expect(turns).toHaveLength(50)
    expect(turns.at(-1)?.asked).toBe('question 9999')
    expect(await world.redis.llen(key)).toBe(51)
  })

  test('a summary is at hand, and a damaged or lost history comes from the store again', async () => {
    const id = newConversation()
    const { asked, hot } = behind()
    await deliver(hot, id, 1)
    await hot.history('acme', id)
    await hot.summarise('acme', id, { text: 'notes', until: AT })
    expect((await hot.history('acme', id)).summary).toEqual({ text: 'notes', until: AT })
    await world.redis.rpush(`test:conversation:acme:${id}`, '{broken')
    expect((await hot.history('acme', id)).turns).toHaveLength(1)
    expect(asked.histories).toBe(2)
    await world.redis.flushall()
    expect((await hot.history('acme', id)).turns).toHaveLength(1)
    expect(asked.histories).toBe(3)
  })
})
