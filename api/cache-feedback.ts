import { Recalled } from '#shared/domain/answer.ts'
import { SIMILARITY_ID } from '#shared/domain/cache.ts'
import type { TicketRow } from '#shared/ports/ticket-store.ts'
import type { ApiDeps } from './deps.ts'

type Doors = Pick<ApiDeps, 'runs' | 'cache' | 'cacheEvidence' | 'log'>

/**
 * A thumb down takes the answer out of the cache, wherever it came from; a verdict on an answer that was given again for a
 * similar question is evidence of how alike is alike enough. The feedback itself is stored whatever happens here.
 */
export async function teachCache(
  ticket: TicketRow,
  rating: 'up' | 'down',
  feedbackId: string,
  now: Date,
  deps: Doors,
): Promise<void> {
  try {
    const run = await deps.runs.load(ticket.runId)
    if (run === undefined || run.tenantId !== ticket.tenantId) return
    const parsed = Recalled.safeParse(run.facts['recalled'])
    if (!parsed.success) return
    const { partition, key, matchedKey, by, similarity } = parsed.data
    if (rating === 'down') await deps.cache.evict(ticket.tenantId, partition, matchedKey ?? key)
    if (by !== 'similar' || matchedKey === undefined || similarity === undefined) return
    await deps.cacheEvidence.observe({
      id: feedbackId.replace(/^fbk/, 'obs'),
      tenantId: ticket.tenantId,
      questionKey: matchedKey,
      ticketId: ticket.id,
      similarityId: SIMILARITY_ID,
      similarity,
      correct: rating === 'up',
      origin: 'feedback',
      createdAt: now,
    })
  } catch (error) {
    deps.log.warn({ err: error, ticketId: ticket.id }, 'the feedback is kept, but the answer cache did not hear of it')
  }
}
