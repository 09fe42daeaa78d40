import { describe, expect, test } from 'vitest'
import { Handover } from '#shared/domain/answer.ts'
import { memoryEscalations } from '#test/fakes/escalation-store.memory.ts'
import {
  sampleDraft,
  samplePassage,
  samplePassages,
  sampleScreened,
  sampleTenant,
  sampleTicket,
  sampleTriage,
  sampleVerdict,
} from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { escalate, reasonOf } from '#workers/steps/escalate.ts'

type Facts = Parameters<typeof escalate>[0]
const ticket = sampleTicket({ body: 'My secret is ada@example.org', tier: 'enterprise' })
const screened = sampleScreened()
const triage = sampleTriage()
const passages = samplePassages()
const draft = sampleDraft()
const trouble = {
  step: 'generate',
  failure: { kind: 'terminal' as const, code: 'provider-refused', message: 'said ada@example.org' },
}

test.each<[string, Partial<Facts>, string]>([
  ['a blocked message', { screened: sampleScreened({ reasons: ['prompt-injection', 'x'] }) }, 'prompt-injection; x'],
  [
    'a sensitive one',
    { screened, triage: sampleTriage({ reasons: ['severity:outage', 'severity P1'] }) },
    'severity:outage; severity P1',
  ],
  ['one without a source', { screened, triage, passages: samplePassages({ passages: [] }) }, 'no reliable source was found'],
  [
    'one that the sources do not answer',
    { screened, triage, passages, draft: sampleDraft({ answerable: false }) },
    'the sources do not answer this',
  ],
  [
    'a draft without a sentence',
    { screened, triage, passages, draft: sampleDraft({ sentences: [] }) },
    'the sources do not answer this',
  ],
  [
    'quotations that the customer could not read',
    { screened: sampleScreened({ language: 'de' }), triage, passages, draft },
    'the sources are in another language than the customer (de)',
  ],
  [
    'a draft that was not proven',
    { screened, triage, passages, draft, verdict: sampleVerdict('escalate', { reasons: ['a', 'b'] }) },
    'the draft could not be proven: a; b',
  ],
  [
    'a draft that was not proven, without more',
    { screened, triage, passages, draft, verdict: sampleVerdict('escalate') },
    'the draft could not be proven: unsupported claims',
  ],
  [
    'a repair that failed',
    { screened, triage, passages, draft, verdict: sampleVerdict('repair') },
    'the repaired draft could not be proven either',
  ],
  [
    'a repair that declined',
    { screened, triage, passages, draft: sampleDraft({ answerable: false }), verdict: sampleVerdict('repair') },
    'the sources do not answer this',
  ],
  [
    'a step that failed, whatever came before',
    { screened, triage, passages, draft, verdict: sampleVerdict('repair'), trouble },
    'the step "generate" failed: provider-refused',
  ],
  [
    'a step that failed before anything else',
    { trouble: { ...trouble, step: 'screen' } },
    'the step "screen" failed: provider-refused',
  ],
  ['nothing that we know of', {}, 'needs a person'],
])('the reason of %s says so', (_name, facts, reason) => {
  expect(reasonOf({ ticket, ...facts })).toBe(reason)
})

describe('the hand-over', () => {
  const hand = async (facts: Partial<Facts> = {}, context = stepContext(), escalations = memoryEscalations()) => ({
    result: await escalate({ ticket, ...facts }, { escalations }, context),
    rows: escalations.rows,
    escalations,
  })

  test('opens one escalation and waits as long as the tenant says', async () => {
    const context = stepContext({ tenant: sampleTenant({ policies: { escalationExpiresAfterHours: 2 } }) })
    const { result, rows } = await hand({ screened, triage: sampleTriage({ severity: 'P1' }) }, context)
    const until = new Date('2026-11-21T14:00:00.000Z')
    expect(rows).toMatchObject([
      { runId: 'run_1', ticketId: ticket.id, tenantId: 'acme', severity: 'P1', visit: 1, expiresAt: until, resolution: null },
    ])
    expect(result).toEqual({
      outcome: 'waiting',
      until,
      facts: {
        handover: {
          escalationId: rows[0]!.id,
          reason: rows[0]!.reason,
          summary: rows[0]!.summary,
          severity: 'P1',
          message: 'I have passed your message on to a colleague, who will get back to you.',
        },
      },
    })
    expect(Handover.parse(result.facts.handover)).toEqual(result.facts.handover)
  })
  test('tells the customer in the language of the message that we know too little', async () => {
    const german = sampleScreened({ language: 'de', languageConfidence: 0.9 })
    const { result } = await hand({ screened: german, triage: sampleTriage(), passages: samplePassages() })
    expect(result.facts.handover.message).toMatch(/^Dazu habe ich keine verlässlichen Informationen\. Ich habe/)
  })
  test('is the same one when it is repeated after a crash, and keeps its first time limit', async () => {
    const first = await hand({ screened, triage })
    const later = stepContext({ now: new Date('2026-11-21T18:00:00.000Z'), attempt: 2 })
    const again = await hand({ screened, triage }, later, first.escalations)
    expect(again.result).toEqual(first.result)
    expect(again.rows.length).toBe(1)
  })
  test('is another one on the next visit', async () => {
    const first = await hand({ screened })
    const second = await hand({ screened, trouble }, stepContext({ visit: 2 }), first.escalations)
    expect(second.rows.map(({ visit }) => visit)).toEqual([1, 2])
    expect(second.result.facts.handover.escalationId).not.toBe(first.result.facts.handover.escalationId)
  })
  test('shows the masked text, and no word of a ticket that was never screened', async () => {
    const masked = sampleScreened({
      subject: 'Help',
      text: 'I am\n\n[EMAIL_1]',
      placeholders: [{ token: '[EMAIL_1]', type: 'EMAIL', value: 'ada@example.org' }],
    })
    const seen = await hand({ screened: masked, triage, trouble })
    expect(seen.rows[0]!.summary).toBe('enterprise customer; returns, P3, neutral; language en. Help — I am [EMAIL_1]')
    const unseen = await hand({ trouble })
    expect(unseen.rows[0]!.summary).toContain('content withheld')
    expect(JSON.stringify([seen.rows, unseen.rows, seen.result, unseen.result])).not.toContain('ada@')
  })
  test('brings the best evidence, clipped, in whole characters', async () => {
    const long = `${'x'.repeat(599)}${'😀'.repeat(50)}`
    const many = [1, 2, 3, 4, 5].map((n) =>
      samplePassage({ n, title: `T${n}`, text: long, ...(n === 1 ? { url: 'https://help.example/1' } : {}) }),
    )
    const { rows } = await hand({
      screened: sampleScreened({ subject: '', text: `${'y'.repeat(398)}${'😀'.repeat(50)}` }),
      passages: samplePassages({ passages: many }),
    })
    const { evidence, summary } = rows[0]!
    expect(evidence.map(({ title, url }) => [title, url])).toEqual([
      ['T1', 'https://help.example/1'],
      ['T2', undefined],
      ['T3', undefined],
    ])
    for (const { text } of evidence) expect(text).toBe('x'.repeat(599))
    expect(summary.isWellFormed()).toBe(true)
    expect(summary.endsWith('y…')).toBe(true)
    expect(summary.length).toBeLessThan(500)
  })
  test('without a triage is not urgent, and without passages has no evidence', async () => {
    expect((await hand({ screened })).rows[0]).toMatchObject({ severity: 'P3', evidence: [] })
  })
})
