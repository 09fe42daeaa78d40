import type { Searcher } from '#shared/ports/searcher.ts'
import { historyOf } from './conversation-context.ts'
import { withHistory } from './logic/conversation-query.ts'
import type { Deps, Step } from './step.ts'

type Retrieve = Step<'support-ticket', 'retrieve', keyof Deps>

/** `retrieve`, with what was said before as lighter words of the search. Turns are kept masked; the rerankers that read see the question alone. */
export const recallingTurns =
  (retrieve: Retrieve): Retrieve =>
  async (facts, deps, context) => {
    const { turns } = await historyOf(facts.ticket, deps, context)
    if (turns.length === 0) return retrieve(facts, deps, context)
    const said = turns.flatMap(({ asked, answered }) => [
      ...(asked ? [{ by: 'customer' as const, text: asked }] : []),
      ...(answered ? [{ by: 'agent' as const, text: answered }] : []),
    ])
    const searcher: Searcher = {
      search: (request, signal) =>
        deps.searcher.search(
          { ...request, query: withHistory(request.query, said), question: request.question ?? request.query },
          signal,
        ),
    }
    return retrieve(facts, { ...deps, searcher }, context)
  }
