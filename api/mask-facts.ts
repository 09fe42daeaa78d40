/**
 * The facts of a run for roles that may see how a ticket was worked on, but not what the customer wrote: the ticket without its
 * words and its requester's data, placeholders without what they stand for, the reply without the personal data put back into it.
 */
export function maskFacts(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [name, isRecord(fact) && MASKS[name] ? MASKS[name](fact) : fact]),
  )
}

type Fact = Readonly<Record<string, unknown>>
const isRecord = (value: unknown): value is Fact => typeof value === 'object' && value !== null && !Array.isArray(value)
const without = (fact: Fact, ...names: string[]) => ({
  ...fact,
  ...Object.fromEntries(names.filter((name) => name in fact).map((name) => [name, '[masked]'])),
})

const MASKS: Readonly<Record<string, (fact: Fact) => unknown>> = {
  ticket: (ticket) => ({
    ...without(ticket, 'subject', 'body', 'metadata', 'callbackUrl'),
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
