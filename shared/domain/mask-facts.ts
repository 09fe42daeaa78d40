import { hidePersonalShapes } from '#shared/text/hide-personal-shapes.ts'

/**
 * The facts of a run for whoever may see how a ticket was worked on, but not what the customer wrote: the ticket without its
 * words and its requester's data, placeholders without what they stand for, the reply without the personal data put back into it.
 * A fact that nobody has decided about may hold what the customer wrote, so it shows its figures only.
 */
export function maskFacts(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, maskFact(name, fact)]))
}

/** @param maxCharacters of each text */
export function maskFact(name: string, fact: unknown, maxCharacters = Number.POSITIVE_INFINITY): unknown {
  return eachText(hidden(name, fact), (text) => {
    const cut = text.length > maxCharacters ? `${text.slice(0, maxCharacters)}… [${text.length} characters]` : text
    return hidePersonalShapes(cut)
  })
}

/** Written from masked text, or ids and counts only. */
const SHOWN = new Set(
  `recalled triage passages draft verdict handover webhookReceipt document parsed chunks enriched vectors indexed unindexed
  item digested proven undigested collected`.split(/\s+/),
)
const MASKED = '[masked]'

function hidden(name: string, fact: unknown): unknown {
  if (fact === null || SHOWN.has(name)) return fact
  const own = Object.hasOwn(MASKS, name) ? MASKS[name] : undefined
  return own && isRecord(fact) ? own(fact) : eachText(fact, () => MASKED)
}

function eachText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => eachText(item, change))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, eachText(item, change)]))
}

type Fact = Readonly<Record<string, unknown>>
const isRecord = (value: unknown): value is Fact => typeof value === 'object' && value !== null && !Array.isArray(value)
const without = (fact: Fact, ...names: string[]) => ({
  ...fact,
  ...Object.fromEntries(names.filter((name) => name in fact).map((name) => [name, MASKED])),
})

const MASKS: Readonly<Record<string, (fact: Fact) => unknown>> = {
  ticket: (ticket) => ({
    ...without(ticket, 'subject', 'body', 'metadata', 'callbackUrl', 'history'),
    ...(isRecord(ticket.requester) ? { requester: without(ticket.requester, 'email', 'name') } : {}),
  }),
  screened: (screened) => ({
    ...screened,
    ...(Array.isArray(screened.placeholders)
      ? { placeholders: screened.placeholders.map((one) => (isRecord(one) ? without(one, 'value') : one)) }
      : {}),
  }),
  // A person writes with the customer's words before them.
  ruling: (ruling) => without(ruling, 'text', 'reason'),
  answer: (answer) => (answer.by === 'person' ? without(answer, 'text') : answer),
  receipt: (receipt) => without(receipt, 'text', 'followUps'),
  // Messages of failures may quote what was sent.
  trouble: (trouble) => (isRecord(trouble.failure) ? { ...trouble, failure: without(trouble.failure, 'message') } : trouble),
  delivery: (delivery) => without(delivery, 'body', 'url'),
}
