import type { Answer } from '#shared/domain/answer.ts'
import { ModelDraft } from '#shared/domain/draft.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { Claim, Verdict } from '#shared/domain/verdict.ts'
import type { StepTable } from '#workers/step.ts'
import { steps } from '#workers/steps.ts'

/** Ends the subject ids of runs that take the repair loop. */
export const REPAIR_MARK = '-r'

const PROMPT = { id: 'bench', version: 1, hash: 'bench' }
const TEXT = 'The box is blue.'
const PASSAGE: Passage = {
  n: 1,
  chunkId: 'chunk-1',
  documentId: 'doc-1',
  title: 'Boxes',
  section: ['Boxes'],
  text: TEXT,
  start: 0,
  end: TEXT.length,
  scores: { fused: 1 },
}
const CITATION = { n: 1, documentId: 'doc-1', chunkId: 'chunk-1', title: 'Boxes', quote: TEXT }
const CLAIM: Claim = { text: TEXT, supported: true, score: 1, citations: [1], reason: '', kind: 'claim' }
const ANSWER: Answer = { text: `${TEXT} [1]`, citations: [CITATION], confidence: 1, followUps: [], by: 'model' }
const verdictOf = (decision: Verdict['decision']): Verdict => ({
  decision,
  claims: [CLAIM],
  cut: [],
  outputChecks: [],
  confidence: 1,
  reasons: [],
})

/**
 * The support-ticket pipeline with steps that do no work, so that only the engine is left: facts are small but valid, `generate`
 * asks its model through the journal. A run has 7 hops, or 9 when its subject's id ends with `REPAIR_MARK`.
 */
export const stubSteps: StepTable = {
  ...steps,
  'support-ticket': {
    screen: async ({ ticket }) => ({
      outcome: 'clean',
      facts: {
        screened: {
          subject: ticket.subject,
          text: ticket.body,
          language: 'en',
          languageConfidence: 1,
          placeholders: [],
          injection: { score: 0, rules: [] },
          reasons: [],
          truncated: false,
        },
      },
    }),
    recall: async () => ({ outcome: 'miss', facts: { recalled: { key: 'k', partition: 'p', hit: false, cacheable: false } } }),
    classify: async ({ screened }) => ({
      outcome: 'answerable',
      facts: {
        triage: {
          intent: 'boxes',
          confidence: 1,
          decidedBy: 'local',
          severity: 'P3',
          sentiment: 'neutral',
          legalThreat: false,
          wantsPerson: false,
          entities: [],
          query: screened.text,
          complexity: 0,
          reasons: [],
        },
      },
    }),
    retrieve: async () => ({
      outcome: 'found',
      facts: { passages: { passages: [PASSAGE], evidence: 1, degraded: false, knowledgeVersion: '1' } },
    }),
    generate: async ({ screened, passages }, { llm }, { call, signal }) => {
      const reply = await llm.generate(
        {
          task: 'generate',
          tier: 'cheap',
          prompt: PROMPT,
          system: 'Answer from the passages.',
          messages: [{ role: 'user', content: screened.text }],
          schema: { name: 'draft', type: ModelDraft },
          maxOutputTokens: 100,
          call,
          material: { question: screened.text, passages: passages.passages },
        },
        { signal },
      )
      return { outcome: 'drafted', facts: { draft: { ...reply.value, model: reply.model, by: 'model', prompt: PROMPT } } }
    },
    verify: async (_facts, _deps, { subjectId, visit }) =>
      subjectId.endsWith(REPAIR_MARK) && visit === 1
        ? { outcome: 'repairable', facts: { verdict: verdictOf('repair') } }
        : {
            outcome: 'faithful',
            facts: { verdict: verdictOf('deliver'), answer: ANSWER },
          },
    escalate: async () => {
      throw new Error('no run of this benchmark goes to a person')
    },
    deliver: async (_facts, _deps, { now, runId }) => ({
      outcome: 'delivered',
      facts: {
        receipt: {
          messageId: `msg-${runId}`,
          deliveredAt: now.toISOString(),
          text: ANSWER.text,
          citations: [CITATION],
          confidence: 1,
          followUps: [],
        },
      },
    }),
  },
}
