import { describe, expect, it } from 'vitest'
import type { Draft, DraftSentence } from '#shared/domain/draft.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { Screened } from '#shared/domain/screened.ts'
import { DEFAULT_PROOF } from '#shared/domain/tenant-proof.ts'
import type { Claim } from '#shared/domain/verdict.ts'
import { judgeDraft } from '#workers/logic/judge-draft.ts'
import { weighedOnce } from '#workers/logic/weighed-once.ts'

const passage = (n: number, text: string): Passage => ({
  n,
  chunkId: `c${n}`,
  documentId: `d${n}`,
  title: 'Returns',
  section: [],
  text,
  start: 0,
  end: text.length,
  scores: { fused: 1 },
})
const passages = [passage(1, 'You can return a hub within 14 days. The label costs $9.00.'), passage(2, 'A refund takes 5 days.')]
const screened: Screened = {
  subject: 'Return',
  text: 'Can I return my hub?',
  language: 'en',
  languageConfidence: 0.9,
  placeholders: [],
  injection: { score: 0, rules: [] },
  reasons: [],
  truncated: false,
}
const grounds = { run: 'run_1', passages, screened, policy: DEFAULT_PROOF }
const SENTENCE: DraftSentence = { text: 'You can return a hub within 14 days.', citations: [1] }

describe('a sentence', () => {
  const weighing = () => {
    const seen: DraftSentence[] = []
    const weigh = (sentence: DraftSentence): Claim => {
      seen.push(sentence)
      return { ...sentence, supported: true, score: 1, reason: '', kind: 'claim' }
    }
    return { seen, weigh }
  }

  it('is weighed once in a run, whoever holds the same passages', () => {
    const { seen, weigh } = weighing()
    const one = weighedOnce({ ...grounds, run: 'run_once' }, weigh)(SENTENCE)
    const same = { ...grounds, run: 'run_once', ...structuredClone({ passages, screened }) }
    const again = weighedOnce({ ...same, policy: { ...DEFAULT_PROOF, onUnproven: 'cut' } }, weigh)(SENTENCE)
    expect(again).toEqual(one)
    expect(seen).toHaveLength(1)
  })

  it('is weighed anew where anything it is weighed by differs', () => {
    const { seen, weigh } = weighing()
    const others = [
      grounds,
      { ...grounds, run: 'run_2' },
      { ...grounds, passages: [passages[0]!, passage(2, 'A refund takes 6 days.')] },
      { ...grounds, passages: [passages[0]!] },
      { ...grounds, screened: { ...screened, text: 'Can I return my hub now?' } },
      { ...grounds, screened: { ...screened, placeholders: [{ token: '[EMAIL_1]', type: 'EMAIL', value: 'a@b.example' }] } },
      { ...grounds, policy: { ...DEFAULT_PROOF, forbidden: { ...DEFAULT_PROOF.forbidden, topics: ['hub'] } } },
    ]
    for (const other of others) weighedOnce(other, weigh)(SENTENCE)
    weighedOnce(grounds, weigh)({ ...SENTENCE, citations: [1, 2] })
    weighedOnce(grounds, weigh)({ ...SENTENCE, text: `${SENTENCE.text} ` })
    expect(seen).toHaveLength(others.length + 2)
  })
})

describe('a judgement', () => {
  it('is the same whether its sentences were weighed before or not', () => {
    const sentences: DraftSentence[] = [
      { text: 'Yes.', citations: [] },
      SENTENCE,
      { text: 'The label costs $8.00.', citations: [1] },
      { text: 'A refund takes 5 days.', citations: [2] },
      { text: 'A refund takes 5 days.', citations: [1] },
      { text: 'See https://evil.example/x for more.', citations: [2] },
    ]
    const draftOf = (some: readonly DraftSentence[]): Draft => ({
      answerable: true,
      sentences: [...some],
      followUps: [],
      model: 'm-1',
      by: 'model',
      prompt: { id: 'draft-answer', version: 1, hash: 'c0ffee' },
    })
    const judge = (some: readonly DraftSentence[], run?: string) =>
      judgeDraft({
        draft: draftOf(some),
        passages: structuredClone({ passages, evidence: 0.8, degraded: false, knowledgeVersion: 'v1' }),
        screened,
        visit: 2,
        canaries: [],
        ...(run && { run }),
      })
    // As a draft is written: sentence by sentence, then the whole, each way twice.
    for (const end of [1, 2, 3, 4, 5, 6, 6]) {
      const some = sentences.slice(0, end)
      expect(judge(some, 'run_judged')).toEqual(judge(some))
      expect(judge(some.slice(-1), 'run_judged')).toEqual(judge(some.slice(-1)))
    }
  })
})
