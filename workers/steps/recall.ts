import { createHash } from 'node:crypto'
import type { Screened } from '#shared/domain/screened.ts'
import type { Ticket } from '#shared/domain/ticket.ts'
import type { Step } from '#workers/step.ts'

/**
 * The exact cache: the same question, asked of the same state of knowledge in the same language by a customer of the same tier,
 * gets the same proven answer. Whatever could make an answer one person's own (personal data, an ongoing conversation's
 * metadata) keeps a question out of it.
 */
export const recall: Step<'support-ticket', 'recall', 'cache' | 'knowledge' | 'prompts'> = async (
  { ticket, screened },
  deps,
  { tenant, log },
) => {
  const partition = partitionOf(
    ticket,
    screened,
    await deps.knowledge.version(ticket.tenantId),
    deps.prompts['draft-answer'].hash,
  )
  const key = keyOf(screened)
  const cacheable = tenant.config.policies.cache && screened.placeholders.length === 0 && !screened.truncated
  const miss = { outcome: 'miss' as const, facts: { recalled: { key, partition, hit: false, cacheable } } }
  if (!cacheable) return miss
  try {
    const found = await deps.cache.get(ticket.tenantId, partition, key)
    if (!found) return miss
    const recalled = { key, partition, hit: true, matched: found.ticketId, cacheable }
    return { outcome: 'hit', facts: { recalled, answer: { ...found.answer, by: 'cache' }, verdict: found.verdict } }
  } catch (error) {
    // A cache that is away must not hold up an answer.
    log.warn({ err: error }, 'the answer cache did not answer')
    return miss
  }
}

export const partitionOf = (
  ticket: Pick<Ticket, 'tier'>,
  screened: Pick<Screened, 'language'>,
  knowledgeVersion: string,
  promptHash: string,
) => [`v${knowledgeVersion}`, screened.language, ticket.tier, promptHash].join('.')

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
