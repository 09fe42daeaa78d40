import { describe, expect, it } from 'vitest'
import { Answer } from '#shared/domain/answer.ts'
import type { Draft } from '#shared/domain/draft.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { Screened } from '#shared/domain/screened.ts'
import { DEFAULT_PROOF } from '#shared/domain/tenant-proof.ts'
import { Verdict } from '#shared/domain/verdict.ts'
import { memoryExampleBank } from '#test/fakes/example-bank.memory.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { type Case, judgeDraft } from '#workers/logic/judge-draft.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { generate } from '#workers/steps/generate.ts'
import { verify } from '#workers/steps/verify.ts'

const passage = (n: number, title: string, text: string): Passage => ({
  n,
  chunkId: `c${n}`,
  documentId: `d${n}`,
  title,
  url: `https://help.example/${n}`,
  section: [],
  text,
  start: 0,
  end: text.length,
  scores: { fused: 1 },
})
const passages = {
  passages: [
    passage(1, 'Returns', 'You can return a product within 14 days of delivery. The return label costs $9.00.'),
    passage(2, 'Refund times', 'A refund to a credit card takes 5 to 10 business days.'),
  ],
  evidence: 0.8,
  degraded: false,
  knowledgeVersion: 'v1',
}
const screened: Screened = {
  subject: 'Return',
  text: 'Can I return my hub, and when do I get my money?',
  language: 'en',
  languageConfidence: 0.9,
  placeholders: [],
  injection: { score: 0, rules: [] },
  reasons: [],
  truncated: false,
}
const GOOD = { text: 'You can return a product within 14 days of delivery.', citations: [1] }
const LABEL = { text: 'The label for the return costs $9.00.', citations: [1] }
const TIME = { text: 'A refund to a credit card takes 5 to 10 business days.', citations: [2] }
const WRONG = { text: 'A refund to a credit card takes 5 to 30 business days.', citations: [2] }
const draftOf = (sentences: Draft['sentences'], more: Partial<Draft> = {}): Draft => ({
  answerable: true,
  sentences,
  followUps: [],
  model: 'm-1',
  by: 'model',
  prompt: { id: 'draft-answer', version: 1, hash: 'c0ffee00c0ffee00c0ffee00' },
  ...more,
})
const judge = (sentences: Draft['sentences'], more: Partial<Case> = {}, draft: Partial<Draft> = {}) =>
  judgeDraft({ draft: draftOf(sentences, draft), passages, screened, visit: 1, canaries: [], ...more })

describe('judgeDraft', () => {
  it('delivers a supported draft, each marker leading to a verbatim quote of its source', () => {
    const hello = { text: 'Hello, thank you for your message.', citations: [] }
    const judged = judge([hello, TIME, GOOD, TIME])
    expect(judged.outcome).toBe('faithful')
    if (judged.outcome !== 'faithful') return
    expect(judged.answer.text).toBe(`${hello.text} ${TIME.text} [1] ${GOOD.text} [2] ${TIME.text} [1]`)
    expect(judged.answer.citations).toEqual([
      { n: 1, documentId: 'd2', chunkId: 'c2', title: 'Refund times', url: 'https://help.example/2', quote: TIME.text },
      { n: 2, documentId: 'd1', chunkId: 'c1', title: 'Returns', url: 'https://help.example/1', quote: GOOD.text },
    ])
    expect(Answer.parse(judged.answer)).toEqual(judged.answer)
    expect(Verdict.parse(judged.verdict)).toMatchObject({ decision: 'deliver', cut: [], reasons: [] })
    expect(judged.answer.confidence).toBeGreaterThan(0.8)
  })

  it('asks a model once for a repair, and tells it what is wrong', () => {
    const judged = judge([GOOD, WRONG])
    expect(judged).toMatchObject({ outcome: 'repairable', verdict: { decision: 'repair', confidence: 0 } })
    expect(judged.verdict.reasons[0]).toContain('passage 2 says')
  })

  it('cuts what is still unsupported the second time and delivers the rest', () => {
    const judged = judge([GOOD, LABEL, WRONG], { visit: 2 })
    expect(judged).toMatchObject({ outcome: 'faithful', verdict: { decision: 'deliver', cut: [2] } })
    if (judged.outcome !== 'faithful') return
    expect(judged.answer.text).not.toContain('30')
    expect(judged.answer.confidence).toBeLessThan(0.8)
  })

  it('never asks the extractive model for a repair', () => {
    expect(judge([GOOD, LABEL, WRONG], {}, { by: 'extractive' }).outcome).toBe('faithful')
  })

  it('hands over when the core or most of the draft would have to be cut', () => {
    expect(judge([WRONG, GOOD, LABEL], { visit: 2 }).outcome).toBe('unfaithful')
    expect(judge([GOOD, WRONG, WRONG], { visit: 2 }).outcome).toBe('unfaithful')
  })

  it('asks a model once for another draft when nothing is supported, and hands over when nothing is supported then either', () => {
    const nothing = 'no sentence of the draft is supported by its sources'
    for (const draft of [
      [{ text: 'Hello!', citations: [] }, WRONG],
      [{ text: 'Hello, we are happy to help!', citations: [] }],
      [],
    ]) {
      const judged = judge(draft)
      expect(judged).toMatchObject({ outcome: 'repairable', verdict: { decision: 'repair', cut: [], confidence: 0 } })
      expect(judged.verdict.reasons[0]).toBe(nothing)
      expect(judge(draft, { visit: 2 })).toMatchObject({
        outcome: 'unfaithful',
        verdict: { decision: 'escalate', reasons: expect.arrayContaining([nothing]) },
      })
    }
  })

  it('hands over at once when another draft could do no better, and when the draft declines', () => {
    expect(judge([WRONG], {}, { by: 'extractive' }).outcome).toBe('unfaithful')
    expect(judge([WRONG], { passages: { ...passages, passages: [] } }).outcome).toBe('unfaithful')
    for (const onUnproven of ['cut', 'escalate'] as const)
      expect(judge([WRONG], { policy: { ...DEFAULT_PROOF, onUnproven } }).outcome).toBe('unfaithful')
    expect(judge([GOOD], {}, { answerable: false }).outcome).toBe('unfaithful')
  })

  it('hands over at once when words of our prompt show', () => {
    const judged = judge([GOOD, { text: 'Key c0ffee00c0ffee00.', citations: [1] }], { canaries: ['c0ffee00c0ffee00'] })
    expect(judged).toMatchObject({
      outcome: 'unfaithful',
      verdict: { reasons: expect.arrayContaining(['leak: repeats a mark of our prompt']) },
    })
  })

  it('cuts a sentence with an image even when its words are supported', () => {
    const image = { text: 'The return label costs $9.00 ![x](https://help.example/1)', citations: [1] }
    expect(judge([GOOD, TIME, image], { visit: 2 })).toMatchObject({ outcome: 'faithful', verdict: { cut: [2] } })
  })

  it('judges a bare "Yes." with the sentence behind it', () => {
    const judged = judge([{ text: 'Yes.', citations: [] }, GOOD])
    expect(judged).toMatchObject({ outcome: 'faithful' })
    if (judged.outcome === 'faithful') expect(judged.answer.text).toBe(`Yes. ${GOOD.text} [1]`)
  })

  it('keeps follow-ups that ask, and drops those that tell', () => {
    const followUps = ['What does the return label cost?', 'Did you know you get $50 back?', 'See https://evil.example?', '']
    const judged = judge([GOOD], {}, { followUps })
    if (judged.outcome !== 'faithful') throw new Error('expected an answer')
    expect(judged.answer.followUps).toEqual(['What does the return label cost?'])
  })

  it('gives the same judgement for the same draft', () => {
    expect(judge([GOOD, WRONG, TIME])).toEqual(judge([GOOD, WRONG, TIME]))
  })
})

describe('verify', () => {
  const alone = { llm: createScriptedLlm([new Error('nobody is to be asked')]), prompts: loadPrompts(), modelAvailable: false }
  const run = (draft: Draft, visit: number) =>
    verify({ screened, passages, draft }, alone, stepContext({ runId: 'run-1', visit }))

  it('writes verdict and answer when it delivers, and the verdict alone when it does not', async () => {
    expect(Object.keys((await run(draftOf([GOOD]), 1)).facts)).toEqual(['verdict', 'answer'])
    const repairable = await run(draftOf([GOOD, WRONG]), 1)
    expect([repairable.outcome, ...Object.keys(repairable.facts)]).toEqual(['repairable', 'verdict'])
    const unfaithful = await run(draftOf([WRONG]), 2)
    expect([unfaithful.outcome, ...Object.keys(unfaithful.facts)]).toEqual(['unfaithful', 'verdict'])
  })

  it('takes the mark of this run’s own prompt in a draft for a leak', async () => {
    const asked: string[] = []
    const llm = {
      generate: async (request: { messages: readonly { content: string }[] }) => {
        asked.push(request.messages[0]!.content)
        return { value: { answerable: true, sentences: [GOOD], followUps: [] }, model: 'm-1' }
      },
    }
    const triage = { query: 'return', complexity: 0.5 }
    const facts = { screened, passages, triage } as unknown as Parameters<typeof generate>[0]
    const deps = { llm, prompts: loadPrompts(), examples: memoryExampleBank() } as unknown as Parameters<typeof generate>[1]
    const context = stepContext({ runId: 'run-1' })
    await generate(facts, deps, context)
    const mark = /<passages ([0-9a-f]{12})>/.exec(asked[0]!)?.[1]
    expect(mark).toBe(promptFence('run-1', 1))
    const draft = draftOf([GOOD, { text: `The mark is ${mark}.`, citations: [1] }])
    expect((await verify({ screened, passages, draft }, alone, context)).outcome).toBe('unfaithful')
  })
})
