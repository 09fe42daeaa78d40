import type { Reads } from '#pipelines/define.ts'
import type { supportTicket } from '#pipelines/support-ticket.ts'
import { derivedId } from '#shared/domain/id.ts'
import { handoverMessage } from '#workers/logic/abstention.ts'
import type { Step } from '#workers/step.ts'

type Known = Reads<typeof supportTicket, 'escalate'>

const SUMMARY_CHARACTERS = 400
const EVIDENCE_PASSAGES = 3
const EVIDENCE_CHARACTERS = 600
const HOUR_MS = 3_600_000

/** Hands the ticket to a person with the reason, a summary and what was found, and waits. All of it from the masked text. */
export const escalate: Step<'support-ticket', 'escalate', 'escalations'> = async (facts, { escalations }, context) => {
  const { ticket } = facts
  const reason = reasonOf(facts)
  const summary = summaryOf(facts)
  const until = new Date(context.now.getTime() + context.tenant.config.policies.escalationExpiresAfterHours * HOUR_MS)
  const standing = await escalations.open({
    id: derivedId('esc', context.runId, String(context.visit)),
    tenantId: ticket.tenantId,
    runId: context.runId,
    ticketId: ticket.id,
    visit: context.visit,
    severity: facts.triage?.severity ?? 'P3',
    reason,
    summary,
    evidence: evidenceOf(facts),
    createdAt: context.now,
    expiresAt: until,
  })
  const message = handoverMessage(facts.screened, lacksEvidence(facts))
  const { id: escalationId, severity } = standing
  const handover = { escalationId, reason: standing.reason, summary: standing.summary, severity, message }
  return { outcome: 'waiting', until: standing.expiresAt, facts: { handover } }
}

/** Why a person is asked, the latest cause first: facts of earlier steps are still there. */
export function reasonOf({ trouble, draft, verdict, passages, triage, screened }: Known): string {
  if (trouble) return `the step "${trouble.step}" failed: ${trouble.failure.code}`
  if (verdict?.decision === 'escalate')
    return `the draft could not be proven: ${verdict.reasons.join('; ') || 'unsupported claims'}`
  if (draft?.withheld) return draft.withheld
  if (draft && (!draft.answerable || draft.sentences.length === 0)) return 'the sources do not answer this'
  if (verdict?.decision === 'repair') return 'the repaired draft could not be proven either'
  if (draft) return `the sources are in another language than the customer${screened ? ` (${screened.language})` : ''}`
  if (passages) return 'no reliable source was found'
  if (triage) return triage.reasons.join('; ') || 'sensitive'
  if (screened) return screened.reasons.join('; ') || 'blocked by screening'
  return 'needs a person'
}

/** It was looked for an answer and none was good enough; whatever else brings a person in says nothing about our knowledge. */
const lacksEvidence = ({ trouble, passages, draft }: Known): boolean =>
  trouble === undefined && passages !== undefined && draft?.withheld === undefined

function summaryOf({ screened, triage, ticket }: Known): string {
  const about = triage ? `${triage.intent}, ${triage.severity}, ${triage.sentiment}` : 'not classified'
  const language = screened ? `language ${screened.language}` : 'not screened'
  const opening = screened
    ? [screened.subject, screened.text].filter(Boolean).join(' — ').replace(/\s+/g, ' ')
    : '(content withheld: it was not screened)'
  const short = opening.length > SUMMARY_CHARACTERS ? `${firstCharacters(opening, SUMMARY_CHARACTERS - 1)}…` : opening
  return `${ticket.tier} customer; ${about}; ${language}. ${short}`
}

const evidenceOf = ({ passages }: Known) =>
  (passages?.passages ?? []).slice(0, EVIDENCE_PASSAGES).map(({ title, url, text }) => ({
    title,
    text: firstCharacters(text, EVIDENCE_CHARACTERS),
    ...(url === undefined ? {} : { url }),
  }))

/** Half a surrogate pair at the end would be no text that a database takes. */
const firstCharacters = (text: string, limit: number) => text.slice(0, limit).replace(/[\ud800-\udbff]$/, '')
