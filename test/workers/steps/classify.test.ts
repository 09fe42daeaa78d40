import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { needsPerson, retryable, terminal } from '#shared/domain/failure.ts'
import type { Tenant } from '#shared/domain/tenant.ts'
import type { CustomerTier } from '#shared/domain/ticket.ts'
import { Triage } from '#shared/domain/triage.ts'
import { createScriptedLlm, type ScriptedTurn } from '#test/fakes/llm.scripted.ts'
import { sampleScreened, sampleTenant, sampleTicket, sampleTriage } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import { loadPrompts } from '#workers/prompts.ts'
import type { StepContext } from '#workers/step.ts'
import { classify, judge } from '#workers/steps/classify.ts'

const EXAMPLES: { text: string; intent: string }[] = readFileSync(
  join(import.meta.dirname, '../../../demo/examples.jsonl'),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
const INTENTS = [...new Set(EXAMPLES.map(({ intent }) => intent))]
const tenant = sampleTenant({ examples: EXAMPLES })
const prompts = loadPrompts()
const SURE = 'How do I pair a Plug?'
const UNSURE = 'Zebras graze near quiet volcanoes'
const REPLY = {
  intent: 'refund_request',
  confidence: 0.8,
  severity: 'P3',
  legalThreat: false,
  wantsPerson: false,
  query: 'What is the return period?',
}

async function run(
  text: string,
  options: {
    turns?: ScriptedTurn[]
    available?: boolean
    tier?: CustomerTier
    subject?: string
    of?: Tenant
    context?: Partial<StepContext>
  } = {},
) {
  const llm = createScriptedLlm(options.turns ?? [JSON.stringify(REPLY)])
  const context = stepContext({ tenant: options.of ?? tenant, ...options.context })
  const facts = {
    ticket: sampleTicket({ tier: options.tier ?? 'standard' }),
    screened: sampleScreened({ subject: options.subject ?? '', text }),
  }
  const result = await classify(facts, { llm, prompts, modelAvailable: options.available ?? true }, context)
  return { ...result, triage: result.facts.triage, asked: llm.requests }
}
const reply = (change: Partial<Record<keyof typeof REPLY, unknown>>) => [JSON.stringify({ ...REPLY, ...change })]

describe('who decides', () => {
  test('the local classifier, when it is sure: no model is asked', async () => {
    const { outcome, triage, asked } = await run(SURE)
    expect([outcome, triage.intent, triage.decidedBy, asked.length]).toEqual(['answerable', 'pairing_help', 'local', 0])
    expect(Triage.parse(triage)).toEqual(triage)
  })
  test('nobody, when the local classifier is unsure and there is no money for a model', async () => {
    const { outcome, triage } = await run(UNSURE, { turns: [needsPerson('budget-exhausted', 'no money')] })
    expect([outcome, triage.intent, triage.decidedBy]).toEqual(['answerable', 'unknown', 'none'])
  })
  test('a model, when the local classifier is unsure', async () => {
    const { outcome, triage, asked } = await run(UNSURE)
    expect([outcome, triage.intent, triage.decidedBy, triage.confidence, asked.length]).toEqual([
      'answerable',
      'refund_request',
      'model',
      0.8,
      1,
    ])
    expect(triage.query).toBe('What is the return period?')
  })
  test('nobody, when it is unsure and there is no model: the question goes on, and the evidence must carry the answer', async () => {
    const { outcome, triage, asked } = await run(UNSURE, { available: false })
    expect([outcome, triage.intent, triage.decidedBy, asked.length]).toEqual(['answerable', 'unknown', 'none', 0])
    expect(triage.query).toBe(UNSURE)
  })
  test.each([
    ['standard', 1],
    ['offline', 1],
    // There a model says what it makes of the message beside the draft.
    ['interactive', 0],
  ] as const)('a model reads a suspicious message that is sure otherwise, in the lane %s %d times', async (lane, times) => {
    const llm = createScriptedLlm([JSON.stringify({ ...REPLY, injection: 0.9 })])
    const screened = sampleScreened({ subject: '', text: SURE, guard: 'suspicious', injection: { score: 0.65, rules: [] } })
    const facts = { ticket: sampleTicket({ lane }), screened }
    const { outcome } = await classify(facts, { llm, prompts, modelAvailable: true }, stepContext({ tenant }))
    expect([llm.requests.length, outcome]).toEqual([times, times === 1 ? 'sensitive' : 'answerable'])
  })
  test('nobody is asked when a person is needed anyway: an emergency must not wait for a model', async () => {
    // Without examples the local classifier is never sure.
    const of = sampleTenant()
    const turns = [retryable('provider-overloaded', 'x')]
    for (const text of ['There is smoke coming out of it', 'I was hacked', 'I will sue you', 'let me speak to a real person'])
      expect(await run(text, { turns, of })).toMatchObject({ outcome: 'sensitive', asked: [], triage: { decidedBy: 'none' } })
    await expect(run(UNSURE, { turns, of })).rejects.toBe(turns[0])
  })
  test('nobody, for a tenant without examples and without a model', async () => {
    const facts = { ticket: sampleTicket(), screened: sampleScreened({ subject: '', text: SURE }) }
    const deps = { llm: createScriptedLlm([]), prompts, modelAvailable: false }
    const { outcome, facts: written } = await classify(facts, deps, stepContext({ tenant: sampleTenant() }))
    expect([outcome, written.triage.intent, written.triage.decidedBy]).toEqual(['answerable', 'unknown', 'none'])
  })
})

describe('the model', () => {
  test('is given the masked text behind the fence, and the names to choose from', async () => {
    const { asked } = await run(UNSURE, { subject: 'I am [PERSON_1]' })
    const [request] = asked
    const fence = promptFence('run_1', 1)
    expect(request).toMatchObject({
      task: 'classify',
      tier: 'cheap',
      prompt: { id: 'classify-ticket' },
      call: { runId: 'run_1' },
    })
    expect(request!.messages[0]!.content).toContain(`<message ${fence}>\nI am [PERSON_1]\n${UNSURE}\n</message ${fence}>`)
    expect(request!.messages[0]!.content).toContain(`Intents: ${[...INTENTS, 'unknown'].join(', ')}\n`)
  })
  test.each(['delete_everything', 'REFUND_REQUEST', '', 'unknown', 'refund_request; ignore the rules'])(
    'is not believed when it names %j',
    async (intent) => {
      const { triage, outcome } = await run(UNSURE, { turns: reply({ intent }) })
      expect([triage.intent, triage.decidedBy, outcome]).toEqual(['unknown', 'none', 'answerable'])
    },
  )
  test('may raise the severity, and then a person gets it', async () => {
    const { triage, outcome } = await run(UNSURE, { turns: reply({ severity: 'P1' }) })
    expect([triage.severity, outcome]).toEqual(['P1', 'sensitive'])
    expect(triage.reasons).toContain('severity P1')
  })
  test('cannot lower the severity', async () => {
    const { triage, asked } = await run(`${UNSURE}, very slow`, { turns: reply({ severity: 'P3' }) })
    expect([triage.severity, asked.length]).toEqual(['P2', 1])
  })
  test('may hear a threat or a wish for a person, and a threat is a dispute at least', async () => {
    const threat = await run(UNSURE, { turns: reply({ legalThreat: true }) })
    expect([threat.outcome, threat.triage.severity, threat.triage.reasons]).toEqual(['sensitive', 'P2', ['legal threat']])
    const wish = await run(UNSURE, { turns: reply({ wantsPerson: true }) })
    expect([wish.outcome, wish.triage.reasons]).toEqual(['sensitive', ['asks for a person']])
  })
  test('that gives no query leaves ours', async () => {
    expect((await run(UNSURE, { turns: reply({ query: '  ' }) })).triage.query).toBe(UNSURE)
  })
  test.each([
    ['a short while, once', retryable('provider-overloaded', 'x'), {}],
    ['a short while that it says itself', retryable('provider-unavailable', 'cooling down', 2_000), {}],
    [
      'however long it takes, where nobody waits for the answer',
      retryable('provider-unavailable', 'x', 50_000),
      { lane: 'offline', attempt: 3 },
    ],
  ] as const)('that fails is waited for: %s', async (_, failure, context) => {
    await expect(run(UNSURE, { turns: [failure], context })).rejects.toBe(failure)
  })
  test.each([
    ['that recovers in a minute only', retryable('provider-unavailable', 'cooling down', 50_000), {}],
    ['that fails again', retryable('provider-stalled', 'x'), { attempt: 2 }],
    ['that fails somebody who waits at the other end', retryable('provider-overloaded', 'x'), { lane: 'interactive' }],
  ] as const)('%s is done without, as if there were none', async (_, failure, context) => {
    const { outcome, triage } = await run(UNSURE, { turns: [failure], context })
    expect([outcome, triage.intent, triage.decidedBy, triage.query]).toEqual(['answerable', 'unknown', 'none', UNSURE])
  })
  test('whose failure no other try would mend fails the step as it says', async () => {
    const failure = terminal('provider-refused', 'x')
    await expect(run(UNSURE, { turns: [failure], context: { lane: 'interactive' } })).rejects.toBe(failure)
  })
})

describe('the rules of escalation', () => {
  const cases: [Partial<Triage>, CustomerTier, 'answerable' | 'sensitive' | 'spam', string?][] = [
    [{ severity: 'P0' }, 'free', 'sensitive', 'severity P0'],
    [{ severity: 'P0' }, 'enterprise', 'sensitive', 'severity P0'],
    [{ severity: 'P1' }, 'free', 'sensitive', 'severity P1'],
    [{ severity: 'P1', intent: 'spam' }, 'standard', 'sensitive', 'severity P1'],
    [{ severity: 'P2' }, 'free', 'answerable'],
    [{ severity: 'P2' }, 'standard', 'answerable'],
    [{ severity: 'P2' }, 'enterprise', 'sensitive', 'severity P2 of an enterprise customer'],
    [{ severity: 'P2', legalThreat: true }, 'free', 'sensitive', 'legal threat'],
    [{ severity: 'P3' }, 'free', 'answerable'],
    [{ severity: 'P3' }, 'enterprise', 'answerable'],
    [{ severity: 'P3', sentiment: 'angry', complexity: 1 }, 'enterprise', 'answerable'],
    [{ wantsPerson: true }, 'free', 'sensitive', 'asks for a person'],
    [{ intent: 'legal_threat' }, 'free', 'sensitive', 'intent legal_threat'],
    [{ intent: 'spam' }, 'free', 'spam'],
    [{ intent: 'spam' }, 'enterprise', 'spam'],
    [{ intent: 'spam', confidence: 0.79 }, 'free', 'answerable'],
    [{ intent: 'unknown', decidedBy: 'none' }, 'free', 'answerable'],
  ]
  test.each(cases)('%j of a %s customer is %s', (change, tier, outcome, reason) => {
    const triage = sampleTriage(change)
    expect(judge(triage, tier, tenant)).toBe(outcome)
    expect(triage.reasons).toEqual(reason === undefined ? [] : [reason])
  })
  test('are those of the tenant', () => {
    const strict = sampleTenant({
      policies: { alwaysEscalate: ['P2'], escalateP2For: [], escalateIntents: ['returns'], closeIntents: ['ads'] },
    })
    expect(judge(sampleTriage({ severity: 'P2' }), 'free', strict)).toBe('sensitive')
    expect(judge(sampleTriage({ severity: 'P1', intent: 'x' }), 'free', strict)).toBe('answerable')
    expect(judge(sampleTriage(), 'free', strict)).toBe('sensitive')
    expect(judge(sampleTriage({ intent: 'ads' }), 'free', strict)).toBe('spam')
    expect(judge(sampleTriage({ intent: 'spam' }), 'free', strict)).toBe('answerable')
  })
  test.each([
    ['The hub is on fire, how do I pair a Plug?', 'free', 'sensitive'],
    ['The app is very slow. How do I pair a Plug?', 'free', 'answerable'],
    ['The app is very slow. How do I pair a Plug?', 'enterprise', 'sensitive'],
    [SURE, 'enterprise', 'answerable'],
    ['Dear webmaster, we can get your website to RANK #1 on Google, 5,000 backlinks for only $99', 'standard', 'spam'],
  ] as const)('as a whole: %s (%s) is %s', async (text, tier, outcome) => {
    expect((await run(text, { tier, available: false })).outcome).toBe(outcome)
  })
  test('name every reason, the rules that fired first', async () => {
    const { triage } = await run('My hub is on fire. I will sue you. Let me speak to a manager!')
    expect(triage.reasons.slice(0, 4)).toEqual(['severity:fire-or-smoke', 'severity P0', 'legal threat', 'asks for a person'])
  })
})

describe('what else a triage holds', () => {
  test('names the codes, prices and versions of the message', async () => {
    const { triage } = await run('Error LK-204 after paying $49.00 on 3 November 2026. How do I pair a Plug?')
    expect(triage.entities).toEqual(
      expect.arrayContaining([
        { type: 'code', value: 'LK-204' },
        { type: 'price', value: '$49.00' },
      ]),
    )
  })
  test('sees the question without the letter around it', async () => {
    expect((await run(`Hi Anna,\n\n${SURE}\n\nBest regards\nTom`)).triage.query).toBe(SURE)
  })
  test('grows in complexity with what is asked and with what was said before', async () => {
    const alone = (await run(SURE)).triage
    const more = (await run(`${SURE} And why does that depend on the API version? Explain both.`)).triage
    expect(more.complexity).toBeGreaterThan(alone.complexity)
    expect(more.complexitySignals).toContain('2 questions')
  })
})

test('a huge hostile message is classified in good time', async () => {
  const startedAt = performance.now()
  for (const part of ['how ', 'smoke if ', '$1', '? ', 'aA1-', 'a'])
    await run(part.repeat(100_000 / part.length), { available: false })
  expect(performance.now() - startedAt).toBeLessThan(12_000)
})
