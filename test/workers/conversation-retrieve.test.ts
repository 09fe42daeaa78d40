import { expect, test } from 'vitest'
import type { Turn } from '#shared/domain/conversation.ts'
import type { SearchRequest } from '#shared/ports/searcher.ts'
import { recallingTurns } from '#workers/conversation-retrieve.ts'
import type { Deps, StepContext } from '#workers/step.ts'

const turn = (asked: string, ticketId = 'tkt-0'): Turn => ({
  ticketId,
  asked,
  answered: 'We do.',
  author: 'machine',
  at: new Date(0),
})

async function queryOf(turns: readonly Turn[], conversationId: string) {
  const requests: SearchRequest[] = []
  const deps = {
    conversations: { history: async () => ({ turns }) },
    searcher: {
      async search(request: SearchRequest) {
        requests.push(request)
        return { passages: [], evidence: 0, failedLegs: [] }
      },
    },
  } as unknown as Deps
  const retrieve = recallingTurns(async (_, { searcher }, { signal }) => {
    await searcher.search({ query: 'How much is it?', filter: { tenantId: 'acme', audiences: ['public'] } }, signal)
    return { outcome: 'nothing', facts: {} } as never
  })
  const facts = { ticket: { id: 'tkt-1', tenantId: 'acme', conversationId } } as Parameters<typeof retrieve>[0]
  const context = { now: new Date(1), signal: AbortSignal.timeout(30_000) } as unknown as StepContext
  await retrieve(facts, deps, context)
  return requests[0]!
}

test('a question of a conversation is searched with the turns before it; whoever reads sees the question alone', async () => {
  const { query, question } = await queryOf([turn('Do you sell hubs?')], 'cnv-9')
  expect(query).toContain('Do you sell hubs?')
  expect(query.split('\n').filter((line) => line === 'We do.')).toHaveLength(1)
  expect(question).toBe('How much is it?')
})

test('a first question is searched as it is, and so is one whose only turn is its own', async () => {
  expect(await queryOf([turn('Do you sell hubs?')], 'cnv-1')).toMatchObject({ query: 'How much is it?' })
  expect((await queryOf([turn('How much is it?', 'tkt-1')], 'cnv-9')).query).toBe('How much is it?')
})
