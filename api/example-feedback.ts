import { Answer } from '#shared/domain/answer.ts'
import { Screened } from '#shared/domain/screened.ts'
import { AnswerExample } from '#shared/domain/tenant-answer-examples.ts'
import type { TicketRow } from '#shared/ports/ticket-store.ts'
import { hidePersonalShapes } from '#shared/text/hide-personal-shapes.ts'
import type { ApiDeps } from './deps.ts'

/**
 * A person's reply that was rated up becomes an example for drafts; rated down, it is one no more. Only where neither question nor
 * reply holds personal data: an example is shown to models for other customers' questions.
 */
export async function teachExamples(
  ticket: TicketRow,
  rating: 'up' | 'down',
  now: Date,
  { runs, examples, log }: Pick<ApiDeps, 'runs' | 'examples' | 'log'>,
): Promise<void> {
  try {
    if (rating === 'down') return await examples.remove(ticket.tenantId, ticket.id)
    const run = await runs.load(ticket.runId)
    const [answer, screened] = [Answer.safeParse(run?.facts['answer']), Screened.safeParse(run?.facts['screened'])]
    if (run?.tenantId !== ticket.tenantId || !answer.success || !screened.success || answer.data.by !== 'person') return
    const question = [screened.data.subject, screened.data.text].filter(Boolean).join('\n')
    const passages = answer.data.citations.map(({ quote }) => quote.slice(0, 1_000)).slice(0, 5)
    const example = AnswerExample.safeParse({ question, answer: answer.data.text, passages })
    const personal = screened.data.placeholders.length > 0 || hidePersonalShapes(answer.data.text) !== answer.data.text
    if (example.success && !personal && !screened.data.truncated)
      await examples.add(ticket.tenantId, ticket.id, example.data, now)
  } catch (error) {
    log.warn({ err: error, ticketId: ticket.id }, 'the feedback is kept, but the bank of examples did not hear of it')
  }
}
