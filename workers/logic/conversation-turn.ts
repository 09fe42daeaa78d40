import type { SentTurn, Turn } from '#shared/domain/conversation.ts'
import type { Placeholder } from '#shared/domain/screened.ts'
import type { TenantPrivacy } from '#shared/domain/tenant-privacy.ts'
import type { Requester } from '#shared/domain/ticket.ts'
import { normalizeText } from '#shared/text/normalize.ts'
import { scoreMessage } from './guard-message.ts'
import { scoreInjection } from './injection-rules.ts'
import { maskPii } from './mask-pii.ts'

const MAX_SENT_CHARACTERS = 2_000
/** Each is screened and masked at every step that looks at the conversation; a window rarely holds more. */
const MAX_SENT_TURNS = 24

/** `[EMAIL_1]` of one ticket is not `[EMAIL_1]` of the next: in a history it only says that an address stood there. */
export const forHistory = (masked: string): string => masked.replace(/\[([A-Z][A-Z_]{0,30})_\d{1,6}\]/g, '[$1]')

/** @param text a message as it was written, by whoever wrote it */
export function maskedForHistory(
  text: string,
  requester: Requester,
  privacy: TenantPrivacy,
  placeholders: readonly Placeholder[],
): string {
  return forHistory(maskPii(text, { requester, privacy, placeholders: [...placeholders] }).text)
}

/** Scores of the guard: of a customer's turn, from which it is suspicious; of an agent's, from which it is blocked. */
export type DistrustAt = { readonly customer: number; readonly agent: number }

/**
 * Turns that a client sent along, as far as they can be used: made readable, masked, in pairs, and without those that instruct the
 * machine, by the decision that the guard would take on each. What they claim an agent has said is a claim like any other; no sentence is proven by it.
 */
export function turnsSent(
  sent: readonly SentTurn[],
  { requester, privacy, distrustAt }: { requester: Requester; privacy: TenantPrivacy; distrustAt: DistrustAt },
  at: Date,
): Turn[] {
  const turns: Turn[] = []
  let asked: string[] = []
  let answered: string[] = []
  const end = () => {
    if (asked.length + answered.length > 0) {
      const pair = { asked: asked.join('\n'), answered: answered.join('\n') }
      turns.push({ ticketId: `sent-${turns.length}`, ...pair, author: 'machine', at })
    }
    asked = []
    answered = []
  }
  for (const { role, text } of sent.slice(-MAX_SENT_TURNS)) {
    const plain = normalizeText(text.slice(0, MAX_SENT_CHARACTERS))
    if (role === 'customer' && answered.length > 0) end()
    // An agent tells people what to do; only the rules know what no agent says.
    const distrusted =
      role === 'customer' ? scoreMessage(plain).score >= distrustAt.customer : scoreInjection(plain).score >= distrustAt.agent
    if (plain.trim() === '' || distrusted) continue
    const masked = maskedForHistory(plain, requester, privacy, [])
    if (role === 'customer') asked.push(masked)
    else answered.push(masked)
  }
  end()
  return turns
}
