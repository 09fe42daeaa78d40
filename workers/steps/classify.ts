import * as z from 'zod'
import { StepFailure } from '#shared/domain/failure.ts'
import type { Screened } from '#shared/domain/screened.ts'
import type { Tenant } from '#shared/domain/tenant.ts'
import type { CustomerTier, Ticket } from '#shared/domain/ticket.ts'
import { Severity, type Triage } from '#shared/domain/triage.ts'
import { factsIn } from '#shared/text/facts-in-text.ts'
import { type Assessment, assessSeverity } from '#workers/logic/assess-severity.ts'
import { assessComplexity } from '#workers/logic/complexity.ts'
import { predictIntent } from '#workers/logic/predict-intent.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import { promptRequest } from '#workers/logic/prompt-request.ts'
import { rewriteQuery } from '#workers/logic/rewrite-query.ts'
import type { Deps, Step, StepContext } from '#workers/step.ts'

const UNKNOWN = 'unknown'
const CLASSIFIER_CHARACTERS = 2_000
/** A closed ticket is seen by nobody: the threshold that is good enough to look for an answer is not good enough for that. */
const SURE_ENOUGH_TO_CLOSE = 0.8
const ENTITY_KINDS = new Set(['code', 'price', 'date', 'version'])

const ModelTriage = z.object({
  intent: z.string(),
  confidence: z.number().min(0).max(1),
  severity: Severity,
  legalThreat: z.boolean(),
  wantsPerson: z.boolean(),
  query: z.string(),
  /** Absent in replies from before the prompt asked for it. */
  injection: z.number().min(0).max(1).default(0),
})
type ModelTriage = z.infer<typeof ModelTriage>

/**
 * What the ticket is about and how grave it is. The local classifier decides when it is sure; else a model is asked; without a
 * model the intent stays unknown and the evidence alone must carry the answer. Severity is never lowered by a model: the rules
 * see what they see.
 */
export const classify: Step<'support-ticket', 'classify', 'llm' | 'prompts' | 'modelAvailable'> = async (
  { ticket, screened },
  deps,
  context,
) => {
  const text = `${screened.subject}\n${screened.text}`.trim()
  const assessment = assessSeverity(text)
  const query = rewriteQuery(screened.subject, screened.text)
  // Of a long letter the question tells what it is about; the story around it only misleads.
  const local = await predictIntent(context.tenant.config.examples, query.slice(0, CLASSIFIER_CHARACTERS))
  const known = { intent: local.intent, confidence: local.confidence, sure: !local.outOfScope }
  const turns = ticket.history?.length ?? 0
  const alone = compose(screened, assessment, known, undefined, turns)
  const outcome = judge(alone, ticket.tier, context.tenant)
  // Whoever smells smoke must not wait for a model, least of all for one that is overloaded.
  const decided = known.sure && !wantsSecondOpinion(ticket, screened)
  if (decided || outcome === 'sensitive' || !deps.modelAvailable) return { outcome, facts: { triage: alone } }
  const reply = await askModel(screened, deps, context).catch(orAlone(context))
  const triage = { ...compose(screened, assessment, known, reply, turns), ...(reply && { injection: reply.injection }) }
  const judged = judge(triage, ticket.tier, context.tenant)
  if ((reply?.injection ?? 0) < context.tenant.config.policies.blockInjectionAt) return { outcome: judged, facts: { triage } }
  triage.reasons.push('prompt injection, says the model')
  return { outcome: 'sensitive', facts: { triage } }
}

/** Where somebody waits for the answer, a model says what it makes of the message while the draft is being written (`seconded`). */
const wantsSecondOpinion = ({ lane }: Ticket, { guard }: Screened) => guard === 'suspicious' && lane !== 'interactive'

type LocalIntent = { readonly intent: string; readonly confidence: number; readonly sure: boolean }

/** @param turns of the conversation before this message */
export function compose(
  screened: Screened,
  assessment: Assessment,
  local: LocalIntent,
  model: Omit<ModelTriage, 'injection'> | undefined,
  turns = 0,
): Triage {
  const byModel = model !== undefined && model.intent !== UNKNOWN
  const text = `${screened.subject}\n${screened.text}`
  const legalThreat = assessment.legalThreat || (model?.legalThreat ?? false)
  // As strings the severities sort from the gravest on; who threatens with a court disputes something, whoever noticed it.
  const severity = [assessment.severity, model?.severity ?? 'P3', legalThreat ? 'P2' : 'P3'].sort()[0] as Triage['severity']
  const intent = byModel ? model.intent : local.sure ? local.intent : UNKNOWN
  const facts = factsIn(text).filter(({ kind }) => ENTITY_KINDS.has(kind))
  const { score, signals } = assessComplexity({ text, intent, facts: facts.length, turns })
  return {
    intent,
    confidence: byModel ? model.confidence : local.confidence,
    decidedBy: byModel ? 'model' : local.sure ? 'local' : 'none',
    severity,
    sentiment: assessment.sentiment,
    legalThreat,
    wantsPerson: assessment.wantsPerson || (model?.wantsPerson ?? false),
    entities: facts.slice(0, 20).map(({ kind, raw }) => ({ type: kind, value: raw })),
    query: model?.query.trim() || rewriteQuery(screened.subject, screened.text),
    complexity: score,
    complexitySignals: [...signals],
    reasons: [...assessment.reasons],
  }
}

/** The escalation rules of the tenant. The reasons are added to the triage, for the person who gets the ticket. */
export function judge(triage: Triage, tier: CustomerTier, tenant: Tenant): 'answerable' | 'sensitive' | 'spam' {
  const { policies } = tenant.config
  const reasons: string[] = []
  if (policies.alwaysEscalate.includes(triage.severity)) reasons.push(`severity ${triage.severity}`)
  if (triage.severity === 'P2' && policies.escalateP2For.includes(tier)) reasons.push(`severity P2 of an ${tier} customer`)
  if (triage.legalThreat) reasons.push('legal threat')
  if (triage.wantsPerson) reasons.push('asks for a person')
  if (policies.escalateIntents.includes(triage.intent)) reasons.push(`intent ${triage.intent}`)
  triage.reasons.push(...reasons)
  if (reasons.length > 0) return 'sensitive'
  return policies.closeIntents.includes(triage.intent) && triage.confidence >= SURE_ENOUGH_TO_CLOSE ? 'spam' : 'answerable'
}

/** What a model adds is worth that much to somebody who waits for an answer. */
const WORTH_WAITING_MS = 2_000

/**
 * Without money for a model it is as if there were none: the evidence alone must carry the answer. So it is when every provider of the
 * chain has failed and the customer would wait for their recovery, as a draft is quoted from the sources then. Where somebody waits at the
 * other end they are not asked twice; where nobody does they are waited for.
 */
const orAlone =
  ({ lane, attempt, log }: StepContext) =>
  (error: unknown): undefined => {
    if (!(error instanceof StepFailure)) throw error
    const { failure } = error
    if (failure.code === 'budget-exhausted') return undefined
    const waits = attempt === 1 && lane !== 'interactive' && (failure.retryAfterMs ?? 0) <= WORTH_WAITING_MS
    if (failure.kind !== 'retryable' || !failure.code.startsWith('provider-') || lane === 'offline' || waits) throw error
    log.warn({ code: failure.code }, 'no model could be asked what a message is about; its evidence has to do')
    return undefined
  }

async function askModel(screened: Screened, deps: Pick<Deps, 'llm' | 'prompts'>, context: StepContext): Promise<ModelTriage> {
  const prompt = deps.prompts['classify-ticket']
  const intents = [...new Set(context.tenant.config.examples.map(({ intent }) => intent))]
  const user = prompt.user({
    fence: promptFence(context.runId, context.visit),
    intents: [...intents, UNKNOWN].join(', '),
    subject: screened.subject,
    text: screened.text,
  })
  const reply = await deps.llm.generate(
    { ...promptRequest(prompt, user, context), task: 'classify', schema: { name: 'triage', type: ModelTriage } },
    { signal: context.signal },
  )
  // A name that is not on the list is no intent.
  return intents.includes(reply.value.intent) ? reply.value : { ...reply.value, intent: UNKNOWN }
}
