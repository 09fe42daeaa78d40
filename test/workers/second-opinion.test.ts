import { expect, test } from 'vitest'
import { retryable } from '#shared/domain/failure.ts'
import type { Lane } from '#shared/domain/ticket.ts'
import type { Llm, LlmRequest } from '#shared/ports/llm.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'
import {
  samplePassage,
  samplePassages,
  sampleScreened,
  sampleTenant,
  sampleTicket,
  sampleTriage,
} from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { memoryTokenStream } from '#test/fakes/token-stream.memory.ts'
import { toldLive } from '#workers/live-draft.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { seconded } from '#workers/second-opinion.ts'
import type { Deps } from '#workers/step.ts'
import { reasonOf } from '#workers/steps/escalate.ts'
import { generate } from '#workers/steps/generate.ts'

const SENTENCE = 'You can return a product within 14 days of delivery.'
const DRAFT = JSON.stringify({ answerable: true, sentences: [{ text: SENTENCE, citations: [1] }], followUps: [] })
const passages = samplePassages({ passages: [samplePassage({ text: SENTENCE, end: SENTENCE.length })] })
const SUSPICIOUS = sampleScreened({ guard: 'suspicious', injection: { score: 0.6, rules: ['classifier'] } })

/** Writes the draft at once, and says what it makes of the message when `opinion` is there. */
function model(opinion: Promise<string>) {
  const asked: LlmRequest[] = []
  const llm: Llm = {
    async generate(request, options) {
      asked.push(request)
      if (request.task === 'generate') options.onDelta?.({ kind: 'text', text: DRAFT })
      const reply = request.task === 'generate' ? DRAFT : await opinion
      return createScriptedLlm([reply]).generate(request, { signal: options.signal })
    },
    ready: async () => ({ ok: true, detail: '' }),
  }
  return { llm, asked }
}

function begin(
  llm: Llm,
  { screened = SUSPICIOUS, triage = {}, lane = 'interactive' as Lane, visit = 1, modelAvailable = true } = {},
) {
  const stream = memoryTokenStream()
  const facts = { ticket: sampleTicket({ lane }), screened, triage: sampleTriage({ decidedBy: 'local', ...triage }), passages }
  const deps = { llm, prompts: loadPrompts(), stream, modelAvailable, examples: { list: async () => [] } } as unknown as Deps
  const tenant = sampleTenant({ streaming: { verify: 'after' } })
  const ended = seconded(toldLive(generate))(facts, deps, stepContext({ seq: 4, visit, lane, tenant }))
  const told = async () => {
    await stream.append('acme', 'tkt_1', [{ id: '9-0', event: 'done', data: {} }])
    const events: string[] = []
    for await (const { event, data } of stream.follow('acme', 'tkt_1', undefined, AbortSignal.timeout(5_000)))
      events.push(event === 'token' ? String(data['text']) : event)
    return events.slice(0, -1)
  }
  return { ended, told, facts }
}

test('nobody sees a word before a model has said that the message may be answered, and then all of them', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { llm, asked } = model(promise)
  const early = begin(llm)
  await new Promise((done) => setTimeout(done, 50))
  expect(asked.map(({ task, prompt }) => `${task} ${prompt.id}`)).toEqual(['classify second-opinion', 'generate draft-answer'])
  expect(await early.told()).toEqual([])

  resolve('{"injection":0.1}')
  expect(await early.ended).toMatchObject({ outcome: 'drafted', facts: { draft: { sentences: [{ text: SENTENCE }] } } })
  const late = begin(llm)
  expect((await late.ended).outcome).toBe('drafted')
  expect((await late.told()).join('')).toContain(SENTENCE)
})

test('a message that the model takes for orders goes to a person, and its draft to nobody', async () => {
  const { ended, told, facts } = begin(model(Promise.resolve('{"injection":0.95}')).llm)
  const { outcome, facts: written } = await ended
  expect([outcome, written.draft.sentences]).toEqual(['declined', []])
  expect(reasonOf({ ...facts, ...written })).toBe('prompt injection, says the model')
  expect(JSON.stringify(await told())).not.toContain('14 days')
})

test('where the model cannot say, it is as if there were none', async () => {
  const { ended, told } = begin(model(Promise.reject(retryable('provider-overloaded', 'busy'))).llm)
  expect((await ended).outcome).toBe('drafted')
  expect((await told()).join('')).toContain(SENTENCE)
})

test.each([
  ['a message without suspicion', { screened: sampleScreened() }],
  ['a lane where nobody waits: `classify` has asked', { lane: 'standard' as const }],
  ['a message that `classify` has asked about', { triage: { decidedBy: 'model' as const } }],
  ['another draft', { visit: 2 }],
  ['no provider', { modelAvailable: false }],
])('nobody is asked about %s', async (_, options) => {
  const { llm, asked } = model(Promise.resolve('{"injection":1}'))
  expect((await begin(llm, options).ended).outcome).toBe('drafted')
  expect(asked.map(({ task }) => task)).toEqual(['generate'])
})
