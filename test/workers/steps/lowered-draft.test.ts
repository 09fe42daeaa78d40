import { expect, test } from 'vitest'
import type { Llm } from '#shared/ports/llm.ts'
import { memoryExampleBank } from '#test/fakes/example-bank.memory.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'
import { samplePassages, sampleScreened, sampleTicket, sampleTriage } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { generate } from '#workers/steps/generate.ts'

const REPLY = { answerable: true, sentences: [{ text: 'Within 14 days.', citations: [1] }], followUps: [] }

test.each([
  ['cheap', 'cheap'],
  ['extractive', 'standard'],
] as const)('a draft that the budget sent down to %s says so, with the limit', async (to, tier) => {
  const scripted = createScriptedLlm([JSON.stringify(REPLY)])
  const reason = 'conversation: 0.001000 of 0.1 USD left'
  const llm: Llm = {
    ready: scripted.ready,
    generate: async (request, options) => ({ ...(await scripted.generate(request, options)), lowered: { to, reason } }),
  }
  const facts = {
    ticket: sampleTicket(),
    screened: sampleScreened(),
    triage: sampleTriage({ complexity: 0.5 }),
    passages: samplePassages(),
  }
  const { facts: written } = await generate(facts, { llm, prompts: loadPrompts(), examples: memoryExampleBank() }, stepContext())
  const { draft } = written as { draft: { routing: { tier: string; reasons: string[] } } }
  expect(draft.routing.tier).toBe(tier)
  expect(draft.routing.reasons.at(-1)).toBe(`budget: ${reason}`)
})
