import { judgeDraft } from '#workers/logic/judge-draft.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import type { Step } from '#workers/step.ts'

/**
 * Proves a draft before anyone reads it: the output checks, then the claim ledger. It asks no model and nobody outside, so it
 * cannot be talked round by what stands in a ticket or a document. Drafts of `extractive` pass through the same ledger.
 */
export const verify: Step<'support-ticket', 'verify', never> = async ({ screened, passages, draft }, _deps, context) => {
  const { runId, visit, log } = context
  // `generate` has been visited as often as `verify`; an earlier prompt's mark would give the same thing away.
  const canaries = Array.from({ length: visit }, (_, earlier) => promptFence(runId, earlier + 1))
  const judgement = judgeDraft({ draft, passages, screened, visit, canaries })
  const { verdict } = judgement
  if (judgement.outcome === 'faithful') return { outcome: 'faithful', facts: { verdict, answer: judgement.answer } }
  // Reasons quote the draft, so only their number is logged.
  log.info({ outcome: judgement.outcome, claims: verdict.claims.length, reasons: verdict.reasons.length }, 'draft not delivered')
  return { outcome: judgement.outcome, facts: { verdict } }
}
