import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memoryAnswerCache } from '#test/fakes/answer-cache.memory.ts'
import { memoryCacheEvidence } from '#test/fakes/cache-evidence.memory.ts'
import { MemoryKnowledge } from '#test/fakes/knowledge.memory.ts'
import { sampleAnswer, sampleScreened, sampleTenant, sampleTicket, sampleVerdict } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { keyOf, questionOf, recall } from '#workers/steps/recall.ts'

type DemoTicket = {
  id: string
  subject: string
  body: string
  requester: { tier: 'free' | 'standard' | 'enterprise' }
  expect: string
  fact?: string
}
const tickets = readFileSync(join(import.meta.dirname, '..', 'demo', 'tickets.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as DemoTicket)

test.each(['calibrated', 'reference'] as const)(
  'with "%s" no ticket of the demo is answered with what another one was about',
  async (similar) => {
    const deps = {
      cache: memoryAnswerCache(),
      cacheEvidence: memoryCacheEvidence(),
      knowledge: new MemoryKnowledge(),
      prompts: loadPrompts(),
    }
    const context = stepContext({ tenant: sampleTenant({ cache: { similar } }) })
    // One tier for all: that puts every ticket into reach of every other.
    const ask = ({ subject, body }: DemoTicket) =>
      recall({ ticket: sampleTicket(), screened: sampleScreened({ subject, text: body }) }, deps, context)
    for (const ticket of tickets.filter((one) => one.expect === 'answered')) {
      const screened = sampleScreened({ subject: ticket.subject, text: ticket.body })
      const { recalled } = (await ask(ticket)).facts
      const cached = {
        answer: sampleAnswer(),
        verdict: sampleVerdict('deliver'),
        ticketId: ticket.id,
        question: questionOf(screened),
      }
      const sources = [{ documentId: 'kb-1', contentHash: 'hash-1' }]
      await deps.cache.put('acme', recalled.partition, keyOf(screened), { ...cached, sources }, 1_000)
    }
    const byId = new Map(tickets.map((ticket) => [ticket.id, ticket]))
    const wrong: string[] = []
    for (const ticket of tickets) {
      const own = keyOf({ subject: ticket.subject, text: ticket.body })
      // Without its own entry, a ticket shows what it would be given of others.
      const [name, entry] = [...deps.cache.entries].find(([key]) => JSON.parse(key)[2] === own) ?? []
      if (name) deps.cache.entries.delete(name)
      const { outcome, facts } = await ask(ticket)
      if (name) deps.cache.entries.set(name, entry!)
      if (outcome !== 'hit') continue
      const matched = byId.get(facts.recalled.matched!)!
      if (ticket.expect !== 'answered' || matched.fact !== ticket.fact)
        wrong.push(`${ticket.id} <- ${matched.id} (${facts.recalled.similarity})`)
    }
    expect(wrong).toEqual([])
    expect(deps.cache.entries.size).toBeGreaterThan(20)
  },
)
