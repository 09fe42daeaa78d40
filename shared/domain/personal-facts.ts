/**
 * Which fields of a run's facts hold words of or to a customer, masked or not: a mask misses some of what is personal, and whoever
 * holds a copy of the database has time to look. They are sealed where they are stored. The other fields of these facts (ids,
 * times, figures, decisions, what our own documents say) stay readable, for statements that look into them.
 */
export const PERSONAL_FIELDS: Readonly<Record<string, readonly string[]>> = {
  ticket: ['subject', 'body', 'requester', 'metadata', 'callbackUrl', 'history'],
  screened: ['subject', 'text', 'placeholders'],
  triage: ['query', 'entities'],
  draft: ['sentences', 'followUps', 'released'],
  verdict: ['claims', 'outputChecks', 'reasons'],
  answer: ['text', 'followUps'],
  handover: ['summary', 'reason'],
  ruling: ['text', 'reason'],
  receipt: ['text', 'followUps'],
  delivery: ['url', 'body'],
}

/** Facts without a customer's words: documents of the tenant, ids, figures, codes. Those of neither list fail a test. */
export const IMPERSONAL_FACTS: ReadonlySet<string> = new Set([
  ...['recalled', 'passages', 'trouble', 'webhookReceipt'],
  ...['document', 'parsed', 'chunks', 'enriched', 'vectors', 'indexed', 'unindexed'],
  ...['item', 'digested', 'proven', 'undigested', 'collected'],
])
