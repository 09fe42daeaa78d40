import type { Screened } from '#shared/domain/screened.ts'
import type { TenantPrivacy } from '#shared/domain/tenant-privacy.ts'
import type { Ticket } from '#shared/domain/ticket.ts'
import type { PersonalData } from '#shared/ports/personal-data-finder.ts'
import { normalizeText } from '#shared/text/normalize.ts'
import { detectLanguage } from '#workers/logic/detect-language.ts'
import { scoreMessage } from '#workers/logic/guard-message.ts'
import { maskPii } from '#workers/logic/mask-pii.ts'
import type { Step } from '#workers/step.ts'

/** About 3,000 tokens: more than any question needs, and it leaves a small model's window to the evidence. */
export const MAX_SCREENED_CHARACTERS = 12_000
const MAX_SUBJECT_CHARACTERS = 500
/** People open with what they want and close with what they tried; logs and quoted mail sit in between. */
const HEAD_SHARE = 2 / 3
const CUT = '\n[…]\n'

/**
 * Makes a message safe to look at: normalised, cut to a length a model takes, personal data behind placeholders, language and
 * injection score told. Blocked, and so handed to a person, is what instructs the machine, and what holds no letter and no digit
 * (only emoji, punctuation or hidden characters): there is nothing to look up, and a person may know from the conversation what
 * a lone thumbs-up means. What is only suspicious goes on, marked as such, and the steps after this one trust it less. Masks blocked tickets, too: people's lists show them.
 */
export const screen: Step<'support-ticket', 'screen', 'personalData'> = async ({ ticket }, { personalData }, context) => {
  const { policies, guard: limits } = context.tenant.config
  const kept = keptOf(ticket)
  // A message that is half looked at is not sent on: where somebody else is to look, too, their silence is a failure of the step.
  const find = async (text: string) => (personalData === undefined ? [] : personalData.find(text, context.signal))
  const [inSubject, inBody] = await Promise.all([find(kept.subject.text), find(kept.body.text)])
  const masked = maskBoth(kept, { inSubject, inBody }, ticket, context.tenant.config.privacy)
  const screened = screenTicket(ticket, kept, masked, policies.blockInjectionAt, limits.suspectMessageAt)
  const { reasons, injection, guard, placeholders, truncated } = screened
  if (guard !== 'clean' || reasons.length > 0 || truncated)
    context.log.info({ reasons, guard, injection, placeholders: placeholders.length, truncated }, 'screened with findings')
  return { outcome: reasons.length > 0 ? 'blocked' : 'clean', facts: { screened } }
}

/** What is looked at of a message, and can reach a model. */
const keptOf = (ticket: Ticket) => ({
  subject: cutMiddle(normalizeText(ticket.subject), MAX_SUBJECT_CHARACTERS),
  body: cutMiddle(normalizeText(ticket.body), MAX_SCREENED_CHARACTERS),
})

function screenTicket(
  ticket: Ticket,
  { subject, body }: ReturnType<typeof keptOf>,
  { maskedSubject, maskedBody, placeholders }: ReturnType<typeof maskBoth>,
  blockInjectionAt: number,
  suspectMessageAt: number,
): Screened {
  const visible = `${subject.text}\n${body.text}`

  // Only what is kept can reach a model. Characters that hide text are gone from it, so they are looked for in what came in.
  const hidden = HIDING.test(ticket.subject + ticket.body)
    ? cutMiddle(`${ticket.subject}\n${ticket.body}`, MAX_SCREENED_CHARACTERS).text
    : visible
  const injection = scoreMessage(visible, hidden)
  const { language, confidence } = detectLanguage(`${maskedBody}\n${maskedSubject}`)

  const reasons: string[] = []
  if (!/[\p{L}\p{N}]/u.test(visible)) reasons.push('nothing-readable')
  if (injection.score >= blockInjectionAt) reasons.push('prompt-injection')
  const suspicious = injection.score >= suspectMessageAt ? 'suspicious' : 'clean'
  return {
    subject: maskedSubject,
    text: maskedBody,
    language,
    languageConfidence: confidence,
    placeholders,
    injection,
    guard: reasons.includes('prompt-injection') ? 'blocked' : suspicious,
    reasons,
    truncated: subject.truncated || body.truncated,
  }
}

const HIDING = /[\u202d\u202e\u{e0020}-\u{e007e}]/u

/** What is personal in one of the two is personal in both: the subject is masked again with what the body gave away. */
function maskBoth(
  { subject, body }: ReturnType<typeof keptOf>,
  { inSubject, inBody }: Readonly<Record<'inSubject' | 'inBody', readonly PersonalData[]>>,
  { requester }: Ticket,
  privacy: TenantPrivacy,
) {
  const first = maskPii(subject.text, { requester, privacy, found: inSubject })
  const second = maskPii(body.text, { requester, privacy, found: inBody, placeholders: first.placeholders })
  const again = maskPii(subject.text, { requester, privacy, found: inSubject, placeholders: second.placeholders })
  return { maskedSubject: again.text, maskedBody: second.text, placeholders: again.placeholders }
}

/** Head and tail, cut where a line or at least a word ends, so that no number or address is left in half. */
function cutMiddle(text: string, maxCharacters: number): { text: string; truncated: boolean } {
  if (text.length <= maxCharacters) return { text, truncated: false }
  const room = maxCharacters - CUT.length
  const head = text.slice(0, Math.floor(room * HEAD_SHARE))
  const tail = text.slice(text.length - Math.ceil(room * (1 - HEAD_SHARE)))
  return { text: (endAtBreak(head) + CUT + startAtBreak(tail)).toWellFormed(), truncated: true }
}

const LONGEST_WORD = 400

/** A line break if one is near, else a space that is not inside a number; text without either is cut as it is. */
function endAtBreak(text: string): string {
  const near = text.slice(-LONGEST_WORD)
  const line = near.lastIndexOf('\n')
  const breaks = [...near.matchAll(/\s(?![\d()+.-])/g)].map(({ index }) => index)
  const at = line >= 0 ? line : (breaks.at(-1) ?? near.length)
  return text.slice(0, text.length - near.length + at)
}

function startAtBreak(text: string): string {
  const near = text.slice(0, LONGEST_WORD)
  const line = near.indexOf('\n')
  const at = line >= 0 ? line + 1 : Math.max(0, near.search(/(?<![\d()+.-])\s/) + 1)
  return text.slice(at)
}
