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

/** Both steps until `verify` has decided as often as it may: the pipeline takes `repairable` once. */
async function draftAndVerify(...drafts: readonly string[]) {
  const journal = createMemoryJournal()
  const scripted = createScriptedLlm(drafts)
  const llm = createJournaledLlm(scripted, { journal, clock: steadyClock() })
  const prompts = loadPrompts()
  const known = {
    ticket: sampleTicket(),
    screened: sampleScreened(),
    triage: sampleTriage({ complexity: 0.1 }),
    passages: samplePassages(),
  }
  const visits = []
  let facts: Parameters<typeof generate>[0] = known
  for (let visit = 1; visit <= 2; visit++) {
    const drafted = await generate(facts, { llm, prompts, examples: memoryExampleBank() }, stepContext({ visit }))
    const { draft } = drafted.facts
    const context = stepContext({ visit, step: 'verify' })
    const { outcome, facts: proven } = await verify({ ...known, draft }, { llm, prompts, modelAvailable: false }, context)
    visits.push({ outcome, routing: draft.routing, verdict: proven.verdict })
    if (outcome !== 'repairable') break
    facts = { ...known, draft, verdict: proven.verdict }
  }
  const charged = journal.entries.map(({ tier, costUsd }) => [tier, costUsd])
  return { visits, charged, prompts: scripted.requests.map(({ messages }) => messages[0]!.content) }
}

test('a draft that fails its checks is written anew one tier up, and both calls are charged', async () => {
  const { visits, charged } = await draftAndVerify(saying(GOOD!, 'You may return it within 9,000 days.'), saying(GOOD!))
  expect(visits.map(({ outcome }) => outcome)).toEqual(['repairable', 'faithful'])
  expect(visits.map(({ routing }) => routing?.tier)).toEqual(['cheap', 'standard'])
  expect(visits[1]!.routing?.reasons).toEqual(['a draft of the cheap tier failed its checks'])
  expect(charged).toEqual([
    ['cheap', 0.01],
    ['standard', 0.01],
  ])
})

test('a draft without any supported sentence goes one tier up as well, told what was wrong with it', async () => {
  const { visits, charged, prompts } = await draftAndVerify(saying('You may return it within 9,000 days.'), saying(GOOD!))
  expect(visits.map(({ outcome }) => outcome)).toEqual(['repairable', 'faithful'])
  expect(charged.map(([tier]) => tier)).toEqual(['cheap', 'standard'])
  expect(prompts[1]).toContain('"You may return it within 9,000 days."')
  const greeted = await draftAndVerify(saying('Hello, we are happy to help!'), saying(GOOD!))
  expect(greeted.prompts[1]).toContain('- no sentence of the draft is supported by its sources')
})

test('a person takes over when the better model finds nothing to say either: there is no third draft', async () => {
  const { visits, charged } = await draftAndVerify(saying('You may return it within 9,000 days.'))
  expect(visits.map(({ outcome }) => outcome)).toEqual(['repairable', 'unfaithful'])
  expect(charged).toHaveLength(2)
})
