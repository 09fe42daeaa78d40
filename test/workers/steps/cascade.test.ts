import { expect, test } from 'vitest'
import { createJournaledLlm } from '#shared/adapters/models/llm.journaled.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { memoryExampleBank } from '#test/fakes/example-bank.memory.ts'
import { createMemoryJournal } from '#test/fakes/journal.memory.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'
import { samplePassage, samplePassages, sampleScreened, sampleTicket, sampleTriage } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { generate } from '#workers/steps/generate.ts'
import { verify } from '#workers/steps/verify.ts'

const saying = (...texts: string[]) =>
  JSON.stringify({ answerable: true, sentences: texts.map((text) => ({ text, citations: [1] })), followUps: [] })
const [GOOD] = samplePassage().text.split(/(?<=\.)\s/)

test('a draft that fails its checks is written anew one tier up, and both calls are charged', async () => {
  const journal = createMemoryJournal()
  const llm = createJournaledLlm(createScriptedLlm([saying(GOOD!, 'You may return it within 9,000 days.'), saying(GOOD!)]), {
    journal,
    clock: steadyClock(),
  })
  const prompts = loadPrompts()
  const examples = memoryExampleBank()
  const known = {
    ticket: sampleTicket(),
    screened: sampleScreened(),
    triage: sampleTriage({ complexity: 0.1 }),
    passages: samplePassages(),
  }
  const first = (await generate(known, { llm, prompts, examples }, stepContext({ visit: 1 }))).facts
  const judged = await verify(
    { ...known, ...first },
    { llm, prompts, modelAvailable: false },
    stepContext({ visit: 1, step: 'verify' }),
  )
  expect(judged.outcome).toBe('repairable')
  const again = { ...known, ...first, verdict: judged.facts.verdict }
  const second = (await generate(again, { llm, prompts, examples }, stepContext({ visit: 2 }))).facts
  const accepted = await verify(
    { ...known, ...second },
    { llm, prompts, modelAvailable: false },
    stepContext({ visit: 2, step: 'verify' }),
  )
  expect(accepted.outcome).toBe('faithful')

  expect([first.draft.routing?.tier, second.draft.routing?.tier]).toEqual(['cheap', 'standard'])
  expect(second.draft.routing?.reasons).toEqual(['a draft of the cheap tier failed its checks'])
  expect(journal.entries.map(({ tier, costUsd }) => [tier, costUsd])).toEqual([
    ['cheap', 0.01],
    ['standard', 0.01],
  ])
})
