import { describe, expect, test } from 'vitest'
import type { Draft } from '#shared/domain/draft.ts'
import { Parked, retryable } from '#shared/domain/failure.ts'
import { createScriptedLlm, type ScriptedTurn } from '#test/fakes/llm.scripted.ts'
import { sampleDraft, samplePassage, samplePassages, sampleScreened, sampleTenant } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { claimsToAsk, decideClaim } from '#workers/logic/entailment.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { verify } from '#workers/steps/verify.ts'

const text = 'You can return a product within 14 days of delivery. The return label costs $9.00.'
const passages = { ...samplePassages(), passages: [{ ...samplePassage(), n: 1, text, end: text.length }] }
const screened = sampleScreened()
/** A faithful rewording: its support is neither high nor low. */
const REWORDED = 'Customers may send the product back for two weeks after delivery.'
const COPY = 'The return label costs $9.00.'
const draftOf = (...sentences: string[]): Draft => ({
  ...sampleDraft(),
  by: 'model',
  answerable: true,
  sentences: sentences.map((one) => ({ text: one, citations: [1] })),
  followUps: [],
})
const saying = (...verdicts: { claim: number; verdict: string }[]) => JSON.stringify({ verdicts })

async function ask(draft: Draft, turn: ScriptedTurn, entailment = 'always', visit = 1, modelAvailable = true) {
  const llm = createScriptedLlm([turn])
  const context = stepContext({ visit, tenant: sampleTenant({ proof: { entailment: entailment as 'always' } }) })
  const result = await verify({ screened, passages, draft }, { llm, prompts: loadPrompts(), modelAvailable }, context)
  return { ...result, requests: llm.requests, verdict: result.facts.verdict, log: context.log }
}

describe('a model that reads the claims', () => {
  test('is asked once for the whole draft, by the cheap tier, with passages and claims behind the fence', async () => {
    const { outcome, requests, verdict } = await ask(draftOf(REWORDED, COPY), saying({ claim: 1, verdict: 'entailed' }))
    expect(outcome).toBe('faithful')
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({ task: 'verify', tier: 'cheap', prompt: { id: 'check-entailment' } })
    const { content } = requests[0]!.messages[0]!
    const fence = promptFence('run_1', 1)
    expect(content).toContain(`<claims ${fence}>\n{"claim":1,"passages":[1],"text":"${REWORDED}"}`)
    expect(content).toContain(`<passages ${fence}>\n<passage n="1"`)
    expect(verdict.claims[0]!.entailment).toBe('entailed')
    expect(verdict.claims[1]!.entailment).toBeUndefined()
  })
  test('takes a claim down that the checks let pass, and says why', async () => {
    for (const said of ['contradicted', 'not-stated']) {
      const { outcome, verdict } = await ask(draftOf(COPY, REWORDED), saying({ claim: 2, verdict: said }), 'always', 2)
      expect(verdict.claims[1]).toMatchObject({
        supported: false,
        entailment: said,
        reason: expect.stringContaining('by a model'),
      })
      expect(outcome).toBe('unfaithful')
    }
  })
  test('overrules no number, negation or citation that is wrong: nobody even asks', async () => {
    const wrong = draftOf(
      'You can return a product within 30 days of delivery.',
      'You cannot return a product within 14 days of delivery.',
    )
    const { outcome, requests } = await ask(wrong, saying({ claim: 1, verdict: 'entailed' }, { claim: 2, verdict: 'entailed' }))
    expect(requests).toHaveLength(0)
    expect(outcome).toBe('repairable')
    const claim = {
      text: 'x',
      supported: false,
      score: 0.9,
      citations: [1],
      kind: 'claim' as const,
      reason: 'says "30 days", passage 1 says "14 days"',
    }
    expect(decideClaim(claim, 0, { claim: 1, verdict: 'entailed', why: '' }).supported).toBe(false)
  })
  test('lifts a claim that failed for its wording alone', () => {
    const weak = {
      text: 'x',
      supported: false,
      score: 0.2,
      citations: [1],
      kind: 'claim' as const,
      reason: 'only 20 % of "x" is covered by passage 1',
    }
    expect(decideClaim(weak, 0, { claim: 1, verdict: 'entailed', why: '' })).toMatchObject({ supported: true, reason: '' })
    expect(decideClaim({ ...weak, score: 0.05 }, 0, { claim: 1, verdict: 'entailed', why: '' }).supported).toBe(false)
    expect(decideClaim(weak, 0, undefined).supported).toBe(false)
  })
  test('counts by its strictest word, and numbers of claims that nobody asked about count for nothing', async () => {
    const both = saying(
      { claim: 1, verdict: 'contradicted' },
      { claim: 1, verdict: 'entailed' },
      { claim: 40, verdict: 'contradicted' },
    )
    expect((await ask(draftOf(REWORDED), both)).verdict.claims[0]!.supported).toBe(false)
  })
  test('is not needed: away, off or without a provider the checks decide alone', async () => {
    const away = await ask(draftOf(REWORDED), retryable('provider-unavailable', 'away'))
    expect(away.outcome).toBe('faithful')
    expect((await ask(draftOf(REWORDED), 'no json', 'off')).requests).toHaveLength(0)
    expect((await ask(draftOf(REWORDED), 'no json', 'always', 1, false)).requests).toHaveLength(0)
    expect((await ask({ ...draftOf(COPY), by: 'extractive' }, 'no json')).requests).toHaveLength(0)
  })
  test('may be waited for, in a batch', async () => {
    const parked = new Parked(new Date('2026-11-22T00:00:00Z'), 'a batch')
    await expect(ask(draftOf(REWORDED), parked)).rejects.toBe(parked)
  })
  test('is by default asked only where support is borderline', () => {
    const claim = { text: 'x', supported: true, score: 0.7, citations: [1], kind: 'claim' as const, reason: '' }
    expect(claimsToAsk([{ ...claim, support: 0.99 }], 'borderline')).toEqual([])
    expect(
      claimsToAsk(
        [
          { ...claim, support: 0.5 },
          { ...claim, support: 0.99 },
        ],
        'borderline',
      ),
    ).toEqual([0, 1])
    expect(claimsToAsk([{ ...claim, support: 0.5, score: 1 }], 'borderline')).toEqual([])
  })
})

describe('what a tenant may set', () => {
  const judgedWith = async (proof: object, ...sentences: string[]) => {
    const deps = { llm: createScriptedLlm([new Error('nobody')]), prompts: loadPrompts(), modelAvailable: false }
    return verify({ screened, passages, draft: draftOf(...sentences) }, deps, stepContext({ tenant: sampleTenant({ proof }) }))
  }
  test('a least support, which no rewording reaches at 1 and every quotation does', async () => {
    expect((await judgedWith({}, REWORDED)).outcome).toBe('faithful')
    expect((await judgedWith({ minSupport: 1 }, REWORDED)).outcome).toBe('repairable')
    expect((await judgedWith({ minSupport: 1 }, COPY)).outcome).toBe('faithful')
  })
  test('what becomes of a draft with an unproven claim', async () => {
    const draft = [COPY, REWORDED, 'The label costs $19.00.'] as const
    expect((await judgedWith({}, ...draft)).outcome).toBe('repairable')
    expect((await judgedWith({ onUnproven: 'cut' }, ...draft)).outcome).toBe('faithful')
    expect((await judgedWith({ onUnproven: 'cut', minKept: 0.9 }, ...draft)).outcome).toBe('unfaithful')
    expect((await judgedWith({ onUnproven: 'escalate' }, ...draft)).outcome).toBe('unfaithful')
  })
  test('terms that no answer may hold, although its source holds them', async () => {
    const held = await judgedWith({ onUnproven: 'cut', forbidden: { topics: ['return label'] } }, REWORDED, REWORDED, COPY)
    expect(held.facts.verdict.claims.map(({ supported }) => supported)).toEqual([true, true, false])
    expect(held.facts.verdict.claims[2]!.reason).toContain('the policy forbids')
  })
})
