import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { createExtractiveLlm } from '#shared/adapters/models/llm.extractive.ts'
import { ModelDraft } from '#shared/domain/draft.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { LlmDelta, LlmRequest } from '#shared/ports/llm.ts'
import { checkClaim } from '#workers/logic/check-claim.ts'

const passage = (n: number, title: string, text: string, section: string[] = []): Passage => ({
  n,
  chunkId: `c${n}`,
  documentId: `d${n}`,
  title,
  section,
  text,
  start: 0,
  end: text.length,
  scores: { fused: 1 / n },
})
const reset = passage(
  1,
  'Restart and factory reset',
  'A restart keeps your settings.\n\n## Factory reset of a Hub 2\n\nA factory reset deletes all pairings.\n\n1. Open the battery cover.\n2. Hold the top button for 12 seconds.\n3. Wait until the light is green.',
)
const plans = passage(
  2,
  'Plans and prices',
  'Every hub works without a plan.\n\n| Plan | Monthly | History |\n|---|---|---|\n| Plus | $5.49 | 24 months |\n| Pro | $12.99 | 10 years |',
)
const errors = passage(
  3,
  'Error codes',
  'LK-204 means that the install code is wrong. LK-205 means that the firmware is too old.',
)
const returns = passage(
  4,
  'Returns in Europe',
  'You can return a product within 30 days of delivery. We like the colour blue. Returns are inspected in our warehouse.',
)
const all = [reset, plans, errors, returns]

const llm = createExtractiveLlm({ clock: { now: () => new Date(0), random: () => 0 } })
const signal = new AbortController().signal
const request = (question: string, passages: readonly Passage[] = all): LlmRequest<ModelDraft> => ({
  task: 'generate',
  tier: 'cheap',
  prompt: { id: 'p', version: 1, hash: 'h' },
  system: '',
  messages: [],
  schema: { name: 'draft', type: ModelDraft },
  maxOutputTokens: 100,
  call: { tenantId: 't', runId: 'r', step: 'generate', visit: 1 },
  material: { question, passages },
})
const ask = async (question: string, passages?: readonly Passage[]) =>
  (await llm.generate(request(question, passages), { signal })).value

describe('llm.extractive', () => {
  it('quotes the sentence that answers, with its passage, at no cost and under its own name', async () => {
    const reply = await llm.generate(request('What does LK-204 mean?'), { signal })
    expect(reply.value).toEqual({
      answerable: true,
      sentences: [{ text: 'LK-204 means that the install code is wrong.', citations: [3] }],
      followUps: [],
    })
    expect(reply).toMatchObject({
      provider: 'extractive',
      model: 'extractive-1',
      costUsd: 0,
      usage: { inputTokens: 0, outputTokens: 0 },
      fromJournal: false,
    })
    expect(ModelDraft.parse(JSON.parse(reply.text))).toEqual(reply.value)
  })

  it('gives the steps of a list in order when it is asked how', async () => {
    const { sentences } = await ask('How do I do a factory reset of my Hub 2?')
    expect(sentences.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        '1. Open the battery cover.',
        '2. Hold the top button for 12 seconds.',
        '3. Wait until the light is green.',
      ]),
    )
    const numbered = sentences.map(({ text }) => text).filter((text) => /^\d/.test(text))
    expect(numbered).toEqual(numbered.toSorted())
  })

  it('renders the table row that is asked for', async () => {
    const { sentences } = await ask('How much is the Pro plan per month?')
    expect(sentences[0]).toEqual({ text: 'Plan: Pro; Monthly: $12.99; History: 10 years', citations: [2] })
    expect(sentences).toHaveLength(1)
  })

  it('prefers the sentence with the kind of fact that is asked for', async () => {
    const { sentences } = await ask('Within how many days of delivery can I return a product?')
    expect(sentences[0]?.text).toBe('You can return a product within 30 days of delivery.')
    expect(sentences.map(({ text }) => text)).not.toContain('We like the colour blue.')
  })

  it('writes nothing that the claim ledger does not accept', async () => {
    for (const question of [
      'How do I factory reset?',
      'What does the Plus plan cost?',
      'LK-205 firmware error',
      'return a product within how many days',
    ]) {
      for (const sentence of (await ask(question)).sentences) {
        expect(checkClaim(sentence, all, question), sentence.text).toMatchObject({ supported: true, score: 1 })
      }
    }
  })

  it('declines when the passages do not speak of it, when nothing is asked, and without passages', async () => {
    for (const question of [
      'Should I feed my sourdough with rye or wheat flour?',
      'it does not work',
      'help',
      '?',
      'Do you hire interns in hardware testing?',
    ]) {
      expect(await ask(question), question).toEqual({ answerable: false, sentences: [], followUps: [] })
    }
    expect((await ask('What does LK-204 mean?', [])).answerable).toBe(false)
  })

  it('streams its one piece of text and says the same thing twice', async () => {
    const deltas: LlmDelta[] = []
    const first = await llm.generate(request('What does LK-204 mean?'), { signal, onDelta: (delta) => deltas.push(delta) })
    expect(deltas).toEqual([{ kind: 'text', text: first.text }])
    expect(await llm.generate(request('What does LK-204 mean?'), { signal })).toEqual(first)
  })

  it('refuses every other task, a missing material and a foreign schema, and honours an abort', async () => {
    const { material: _, ...bare } = request('x')
    const foreign = { ...request('What does LK-204 mean?'), schema: { name: 'other', type: z.object({ intent: z.string() }) } }
    const cannot = { failure: { kind: 'terminal', code: 'extractive-cannot' } }
    await expect(llm.generate({ ...request('x'), task: 'classify' }, { signal })).rejects.toMatchObject(cannot)
    await expect(llm.generate(bare, { signal })).rejects.toMatchObject(cannot)
    await expect(llm.generate(foreign, { signal })).rejects.toMatchObject(cannot)
    await expect(llm.generate(request('x'), { signal: AbortSignal.abort() })).rejects.toThrow()
    expect(await llm.ready()).toMatchObject({ ok: true })
  })
})
