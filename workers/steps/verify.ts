import { judgeDraft } from '#workers/logic/judge-draft.ts'
import type { Step } from '#workers/step.ts'

/** Enough of a prompt's hash to stand nowhere by accident; prompts carry it so that a draft that repeats its prompt gives itself away. */
const CANARY_CHARACTERS = 16

/**
 * Proves a draft before anyone reads it: the output checks, then the claim ledger. It asks no model and nobody outside, so it
 * cannot be talked round by what stands in a ticket or a document. Drafts of `extractive` pass through the same ledger.
 */
export const verify: Step<'support-ticket', 'verify', never> = async ({ screened, passages, draft }, _deps, context) => {
  const judgement = judgeDraft({
    draft,
    passages,
    screened,
    visit: context.visit,
    canaries: [draft.prompt.hash.slice(0, CANARY_CHARACTERS)],
  })
  const { verdict } = judgement
  if (judgement.outcome === 'faithful') return { outcome: 'faithful', facts: { verdict, answer: judgement.answer } }
  // Reasons quote the draft, so only their number is logged.
  context.log.info(
    { outcome: judgement.outcome, claims: verdict.claims.length, reasons: verdict.reasons.length },
    'draft not delivered',
  )
  return { outcome: judgement.outcome, facts: { verdict } }
}
