import type { Audience } from '#shared/domain/document.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { CustomerTier } from '#shared/domain/ticket.ts'
import { neutralise, screenDocument } from '#workers/logic/guard-document.ts'
import { imaginePassage } from '#workers/logic/imagine-passage.ts'
import { withoutOrders } from '#workers/logic/withhold-headings.ts'
import type { Step, StepContext } from '#workers/step.ts'

const AUDIENCES: Readonly<Record<CustomerTier, readonly Audience[]>> = {
  free: ['public'],
  standard: ['public', 'standard'],
  enterprise: ['public', 'enterprise'],
}
/**
 * On the calibrated scale of `SearchResult.evidence` (docs/quality-retrieval.md). Low on purpose: all of the demo's 61 answerable tickets,
 * from which nothing was learned, score higher (the lowest 0.062), and eight of its twelve unanswerable ones lower. What passes here is
 * judged again, by `generate`, which declines, and by `verify`. A tenant sets `policies.minEvidence` by the curve of his own questions.
 */
export const MIN_EVIDENCE = 0.06

/** Finds the passages that an answer may stand on; with too little evidence a person answers. */
export const retrieve: Step<
  'support-ticket',
  'retrieve',
  'searcher' | 'knowledge' | 'llm' | 'prompts' | 'modelAvailable'
> = async ({ ticket, screened, triage }, { searcher, knowledge, ...models }, context) => {
  const { tenant, signal, log, call } = context
  // Read first: passages may be newer than the version they are cached under, never older.
  const knowledgeVersion = await knowledge.version(tenant.id)
  const query = triage.query.trim() || `${screened.subject}\n${screened.text}`
  const filter = { tenantId: tenant.id, audiences: AUDIENCES[ticket.tier] }
  // Whoever may be giving orders gives a model none here.
  const hypothetical = screened.guard === 'suspicious' ? undefined : await imaginePassage(query, models, context)
  const { synonyms, neighbours } = tenant.config.knowledge
  const request = { query, filter, owner: call, synonyms, neighbours, ...(hypothetical ? { hypothetical } : {}) }
  const { passages: found, evidence, failedLegs } = await searcher.search(request, signal)
  const passages = found.map((passage) => withoutAttacks(passage, context))
  if (failedLegs.length > 0) log.warn({ failedLegs }, 'one leg of the search did not answer')
  const enough = passages.length > 0 && evidence >= (tenant.config.policies.minEvidence ?? MIN_EVIDENCE)
  return {
    outcome: enough ? 'found' : 'nothing',
    facts: { passages: { passages, evidence, degraded: failedLegs.length > 0, knowledgeVersion } },
  }
}

/** Title and headings are screened as well as the text: a prompt holds them, too. The words of an attack belong into no log. */
function withoutAttacks(passage: Passage, { tenant: { config }, log }: Pick<StepContext, 'tenant' | 'log'>): Passage {
  const { chunkId } = passage
  const { spans } = screenDocument(passage.text, config.guard.withholdSentenceAt)
  if (spans.length > 0) log.warn({ chunkId, spans }, 'sentences of a passage were withheld')
  const readable = spans.length === 0 ? passage : { ...passage, text: neutralise(passage.text, spans) }
  const screened = withoutOrders(readable, config.policies.blockInjectionAt)
  if (screened !== readable) log.warn({ chunkId }, 'a title or heading of a passage was withheld')
  return screened
}
