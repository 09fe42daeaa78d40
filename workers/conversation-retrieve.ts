import type { Searcher } from '#shared/ports/searcher.ts'
import { historyOf } from './conversation-context.ts'
import { withHistory } from './logic/conversation-query.ts'
import type { Deps, Step } from './step.ts'

type Retrieve = Step<'support-ticket', 'retrieve', keyof Deps>

/** `retrieve`, with what the customer asked before as lighter words of the search. Turns are kept masked; the rerankers that read see the question alone. */
export const recallingTurns =
  (retrieve: Retrieve): Retrieve =>
  async (facts, deps, context) => {
    const { turns } = await historyOf(facts.ticket, deps, context)
    if (turns.length === 0) return retrieve(facts, deps, context)
    const asked = turns.map((turn) => ({ by: 'customer' as const, text: turn.asked }))
    const searcher: Searcher = {
      search: (request, signal) =>
        deps.searcher.search(
          { ...request, query: withHistory(request.query, asked), question: request.question ?? request.query },
          signal,
        ),
    }
    return retrieve(facts, { ...deps, searcher }, context)
  }
