import { StepFailure } from '#shared/domain/failure.ts'
import { claimsToAsk, type Entailment } from '#workers/logic/entailment.ts'
import { entailmentRequest, strictestOf } from '#workers/logic/entailment-request.ts'
import { type Case, judgeDraft, ledgerOf, weighClaims } from '#workers/logic/judge-draft.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import type { Deps, Step, StepContext } from '#workers/step.ts'

type Doors = Pick<Deps, 'llm' | 'prompts' | 'modelAvailable'>

/**
 * Proves a draft before anyone reads it: the output checks, then the claim ledger, by code that cannot be talked round. Where a
 * provider is there and the support of a claim is borderline, a model reads the claims against their passages in one call; what it
 * says can lower trust or lift a support that is merely too low, never overrule a check. Drafts of `extractive` quote, so nobody
 * is asked about them.
 */
export const verify: Step<'support-ticket', 'verify', keyof Doors> = async ({ screened, passages, draft }, doors, context) => {
  const { runId, visit, log } = context
  // `generate` has been visited as often as `verify`; an earlier prompt's mark would give the same thing away.
  const canaries = Array.from({ length: visit }, (_, earlier) => promptFence(runId, earlier + 1))
  const unweighed: Case = { draft, passages, screened, visit, canaries, policy: context.tenant.config.proof, run: runId }
  // Once, although the decision is made twice: to see whom to ask about, and with what was said.
  const one = { ...unweighed, weighed: weighClaims(unweighed) }
  const entailed = await askModel(one, doors, context)
  const judgement = judgeDraft({ ...one, ...(entailed && { entailed }) })
  const { verdict } = judgement
  if (judgement.outcome === 'faithful') return { outcome: 'faithful', facts: { verdict, answer: judgement.answer } }
  // Reasons quote the draft, so only their number is logged.
  log.info({ outcome: judgement.outcome, claims: verdict.claims.length, reasons: verdict.reasons.length }, 'draft not delivered')
  return { outcome: judgement.outcome, facts: { verdict } }
}

/** One call for the whole draft; undefined when nobody was asked. Without a reply the checks decide alone, as without a provider. */
async function askModel(one: Case, doors: Doors, context: StepContext): Promise<ReadonlyMap<number, Entailment> | undefined> {
  const { draft, passages } = one
  if (!doors.modelAvailable || draft.by !== 'model' || !draft.answerable) return undefined
  const claims = ledgerOf(one)
  const asked = claimsToAsk(claims, context.tenant.config.proof.entailment)
  if (asked.length === 0) return undefined
  const request = entailmentRequest(
    asked.map((index) => claims[index]!),
    passages.passages,
    { prompt: doors.prompts['check-entailment'], fence: promptFence(context.runId, context.visit), call: context.call },
  )
  try {
    const reply = await doors.llm.generate(request, { signal: context.signal })
    return new Map([...strictestOf(reply.value, asked.length)].map(([at, verdict]) => [asked[at]!, verdict]))
  } catch (error) {
    context.signal.throwIfAborted()
    if (!(error instanceof StepFailure)) throw error
    context.log.warn({ code: error.failure.code }, 'no model read the claims; the checks decide alone')
    return undefined
  }
}
