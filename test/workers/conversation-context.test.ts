import { expect, test } from 'vitest'
import type { History, Turn } from '#shared/domain/conversation.ts'
import { memoryConversations } from '#test/fakes/conversation-store.memory.ts'
import { sampleTicket } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { historyOf } from '#workers/conversation-context.ts'

const now = new Date('2026-11-21T12:00:00Z')
const turn = (ticketId: string, at: Date): Turn => ({ ticketId, asked: 'Which hub?', answered: 'Hub 2.', author: 'machine', at })

/** A store that counts how often it is asked, and can be told to fail. */
function asked(history: () => History) {
  const store = { ...memoryConversations(), calls: 0, failing: false }
  const conversations = Object.assign(store, {
    async history() {
      store.calls++
      if (store.failing) throw new Error('the store is away')
      return history()
    },
  })
  return { store, conversations }
}

test('the history of a conversation is read once for all steps of a run, and anew for the next', async () => {
  const turns = [turn('tkt_0', new Date('2026-11-21T11:00:00Z'))]
  const { store, conversations } = asked(() => ({ turns: [...turns] }))
  const of = (runId: string) =>
    historyOf(sampleTicket({ conversationId: 'cnv_other' }), { conversations }, stepContext({ runId, now }))
  expect((await of('run_a')).turns).toEqual(turns)
  turns.push(turn('tkt_1', new Date('2026-11-21T11:30:00Z')), turn('tkt_2', new Date('2026-11-21T12:30:00Z')))
  expect((await of('run_a')).turns).toHaveLength(1)
  expect(store.calls).toBe(1)
  // Neither its own turn nor one that came later.
  expect((await of('run_b')).turns.map(({ ticketId }) => ticketId)).toEqual(['tkt_0'])
  expect(store.calls).toBe(2)
})

test('a store that failed is asked again', async () => {
  const { store, conversations } = asked(() => ({ turns: [] }))
  const of = () =>
    historyOf(sampleTicket({ conversationId: 'cnv_other' }), { conversations }, stepContext({ runId: 'run_c', now }))
  store.failing = true
  await expect(of()).rejects.toThrow('away')
  store.failing = false
  expect((await of()).turns).toEqual([])
  expect(store.calls).toBe(2)
})
