import { createHash } from 'node:crypto'
import type { Screened } from '#shared/domain/screened.ts'
import type { TenantConfig } from '#shared/domain/tenant.ts'
import type { Ticket } from '#shared/domain/ticket.ts'
import { type Found, findCached } from '#workers/logic/cache-lookup.ts'
import type { Step } from '#workers/step.ts'

/**
 * The cache: the same question, or one that asks for the same, put to the same state of knowledge in the same language by a
 * customer of the same tier, gets the same proven answer. Whatever could make an answer one person's own (personal data, an
 * ongoing conversation) keeps a question out of it.
 */
export const recall: Step<'support-ticket', 'recall', 'cache' | 'cacheEvidence' | 'knowledge' | 'prompts'> = async (
  { ticket, screened },
  deps,
  context,
) => {
  const { config } = context.tenant
  const partition = partitionOf(
    ticket,
    screened,
    await deps.knowledge.version(ticket.tenantId),
    deps.prompts['draft-answer'].hash,
    config,
  )
  const key = keyOf(screened)
  const plain = screened.guard !== 'suspicious' && screened.placeholders.length === 0 && !screened.truncated && hasWords(screened)
  const cacheable = config.policies.cache && plain
  const miss = { outcome: 'miss' as const, facts: { recalled: { key, partition, hit: false, cacheable } } }
  if (!cacheable) return miss
  let found: Found
  try {
    found = await findCached({ tenantId: ticket.tenantId, partition, key, question: questionOf(screened) }, deps, context)
  } catch (error) {
    context.signal.throwIfAborted()
    // A cache that is away must not hold up an answer.
    context.log.warn({ err: error }, 'the answer cache did not answer')
    return miss
  }
  const { hit, nearest } = found
  if (!hit) return nearest ? { ...miss, facts: { recalled: { ...miss.facts.recalled, nearest } } } : miss
  const { cached, by, similarity } = hit
  const recalled = { key, partition, hit: true, cacheable, matched: cached.ticketId, by, matchedKey: hit.key, similarity }
  return { outcome: 'hit', facts: { recalled, answer: { ...cached.answer, by: 'cache' }, verdict: cached.verdict } }
}

/** Subject and text as one: where customers put their question differs. */
export const questionOf = ({ subject, text }: Pick<Screened, 'subject' | 'text'>) => [subject, text].filter(Boolean).join('\n')

const hasWords = (screened: Pick<Screened, 'subject' | 'text'>) => /[\p{L}\p{N}]/u.test(questionOf(screened))

/** Knowledge, language, audience, prompt and what the tenant sends to people: of another one of these nothing is seen. */
export const partitionOf = (
  ticket: Pick<Ticket, 'tier'>,
  screened: Pick<Screened, 'language'>,
  knowledgeVersion: string,
  promptHash: string,
  config: Pick<TenantConfig, 'policies'>,
) => {
  const policies = createHash('sha256').update(JSON.stringify(config.policies)).digest('hex').slice(0, 12)
  return [`v${knowledgeVersion}`, screened.language, ticket.tier, promptHash, policies].join('.')
}

/** Case, spacing and final punctuation do not make another question; words, numbers and their order do. */
export const keyOf = (screened: Pick<Screened, 'subject' | 'text'>) =>
  createHash('sha256')
    .update(JSON.stringify([canonical(screened.subject), canonical(screened.text)]))
    .digest('hex')

/** `screen` has normalised the text; NFKC on top of it would make "10²" and "102" one question. */
function canonical(text: string): string {
  const plain = text.toLowerCase().replace(/\s+/g, ' ').trim()
  let end = plain.length
  // By hand: a pattern for "marks at the end" looks at every run of marks again and again.
  while (end > 0 && FINAL_MARKS.has(plain[end - 1]!)) end--
  return plain.slice(0, end)
}
const FINAL_MARKS = new Set('.!?… 。！？')
