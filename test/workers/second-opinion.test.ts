import { expect, test } from 'vitest'
import type { Draft } from '#shared/domain/draft.ts'
import { retryable } from '#shared/domain/failure.ts'
import type { Screened } from '#shared/domain/screened.ts'
import type { Triage } from '#shared/domain/triage.ts'
import type { Llm, LlmRequest } from '#shared/ports/llm.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'
import {
  sampleDraft,
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

const NEVER = new AbortController().signal

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

type Options = {
  readonly screened?: Screened
  readonly triage?: Partial<Triage>
  readonly draft?: Partial<Draft>
  readonly visit?: number
  readonly modelAvailable?: boolean
  readonly signal?: AbortSignal
}

function begin(
  llm: Llm,
  { screened = SUSPICIOUS, triage, draft, visit = 1, modelAvailable = true, signal = NEVER }: Options = {},
) {
  const stream = memoryTokenStream()
  const given = { ticket: sampleTicket({ lane: 'interactive' }), screened, triage: sampleTriage(triage), passages }
  const facts = draft === undefined ? given : { ...given, draft: { ...sampleDraft(), ...draft } }
  const deps = { llm, prompts: loadPrompts(), stream, modelAvailable, examples: { list: async () => [] } } as unknown as Deps
  const tenant = sampleTenant({ streaming: { verify: 'after' } })
  const ended = seconded(toldLive(generate))(facts, deps, stepContext({ seq: 4, visit, lane: 'interactive', tenant, signal }))
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

test('a message that is known to give orders is not tried again because its draft failed', async () => {
  const { llm } = model(Promise.resolve('{"injection":0.95}'))
  const failing: Llm = {
    ...llm,
    async generate(request, options) {
      if (request.task !== 'generate') return llm.generate(request, options)
      await new Promise((done) => setTimeout(done, 20))
      throw retryable('provider-unavailable', 'gone')
    },
  }
  expect(await begin(failing).ended).toMatchObject({ outcome: 'declined', facts: { draft: { withheld: expect.any(String) } } })
})

test('what a draft that broke off has written is not told when the opinion comes later', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { llm } = model(promise)
  const breaking: Llm = {
    ...llm,
    async generate(request, options) {
      if (request.task !== 'generate') return llm.generate(request, options)
      options.onDelta?.({ kind: 'text', text: DRAFT })
      throw retryable('provider-truncated', 'broke off')
    },
  }
  const { ended, told } = begin(breaking)
  await expect(ended).rejects.toThrow('broke off')
  resolve('{"injection":0.1}')
  await new Promise((done) => setTimeout(done, 20))
  expect(JSON.stringify(await told())).not.toContain('14 days')
})

test('who gives up while the opinion is awaited is told nothing', async () => {
  const given = new AbortController()
  const { llm } = model(new Promise((_, reject) => given.signal.addEventListener('abort', () => reject(given.signal.reason))))
  const { ended, told } = begin(llm, { signal: given.signal })
  await new Promise((done) => setTimeout(done, 20))
  given.abort(new Error('cancelled'))
  await expect(ended).rejects.toThrow('cancelled')
  expect(JSON.stringify(await told())).not.toContain('14 days')
})

test('a failure of our own stores fails the step: it is no silence of the model', async () => {
  const { ended } = begin(model(Promise.reject(retryable('journal-unavailable', 'the database is away'))).llm)
  await expect(ended).rejects.toThrow('the database is away')
})

test.each([
  ['once more, when no draft came of the first visit', { visit: 2 }, 1],
  ['once more, when the first draft was withheld', { visit: 2, draft: { withheld: 'prompt injection' } }, 1],
  ['not again for a repair', { visit: 2, draft: {} }, 0],
] as const)('it is asked %s', async (_, options, times) => {
  const { llm, asked } = model(Promise.resolve('{"injection":0.1}'))
  expect((await begin(llm, options).ended).outcome).toBe('drafted')
  expect(asked.filter(({ task }) => task === 'classify')).toHaveLength(times)
})

test.each([
  ['a message without suspicion', { screened: sampleScreened() }],
  ['a message of which a model has said already what it is', { triage: { injection: 0.2 } }],
  ['no provider', { modelAvailable: false }],
])('nobody is asked about %s', async (_, options) => {
  const { llm, asked } = model(Promise.resolve('{"injection":1}'))
  expect((await begin(llm, options).ended).outcome).toBe('drafted')
  expect(asked.map(({ task }) => task)).toEqual(['generate'])
})
