import { ownConversationId, type Turn } from '#shared/domain/conversation.ts'
import { Parked } from '#shared/domain/failure.ts'
import { ENDED, type Run } from '#shared/domain/run.ts'
import { Ticket } from '#shared/domain/ticket.ts'
import type { AnswerCache } from '#shared/ports/answer-cache.ts'
import type { ConversationStore } from '#shared/ports/conversation-store.ts'
import type { Llm } from '#shared/ports/llm.ts'
import type { RunMover } from '#shared/ports/run-mover.ts'
import { askForRewrite, conversationBlock, historyOf } from './conversation-context.ts'
import { dependsOnEarlier, standAlone } from './logic/conversation-follow-up.ts'
import { forHistory, maskedForHistory } from './logic/conversation-turn.ts'
import { fitWindow } from './logic/conversation-window.ts'
import type { Deps, Step } from './step.ts'

type Support<K extends 'screen' | 'recall' | 'classify' | 'generate' | 'deliver'> = Step<'support-ticket', K, keyof Deps>

/** A turn that waits is woken by the end of the one before; this is for wakes that got lost. */
const LOOK_AGAIN_MS = 5_000

const inConversation = (ticket: Ticket) => ticket.conversationId !== ownConversationId(ticket.id)

/**
 * `screen`, after the earlier turns of the conversation have come to rest (with an answer, a person, or an end). Until then the
 * run is parked: durable, found by the sweeper, and never for longer than the tenant's `maxWaitSeconds`.
 */
export const inTurn =
  (screen: Support<'screen'>): Support<'screen'> =>
  async (facts, deps, context) => {
    const { ticket } = facts
    if (!inConversation(ticket)) return screen(facts, deps, context)
    const maxWaitMs = context.tenant.config.conversations.maxWaitSeconds * 1_000
    const leftMs = new Date(ticket.receivedAt).getTime() + maxWaitMs - context.now.getTime()
    if (leftMs > 0 && (await deps.conversations.hasEarlierTurn(ticket.tenantId, ticket.id, maxWaitMs)))
      throw new Parked(new Date(context.now.getTime() + Math.min(LOOK_AGAIN_MS, leftMs)), 'an earlier turn is under way')
    return screen(facts, deps, context)
  }

/** Wakes the next turn of a conversation when one has come to rest; without it that turn would look again in some seconds. */
export const wakeNextTurn =
  (conversations: ConversationStore, mover: RunMover) =>
  async (run: Run, status: Run['status']): Promise<void> => {
    if (!ENDED.includes(status) && status !== 'waiting') return
    const ticket = Ticket.pick({ id: true, tenantId: true, conversationId: true }).safeParse(run.facts['ticket'])
    if (!ticket.success || ticket.data.conversationId === ownConversationId(ticket.data.id)) return
    const next = await conversations.nextWaitingTurn(run.tenantId, ticket.data.conversationId)
    if (next) await mover.move(next.runId, { kind: 'resumed' }, 'the turn before', next.seq)
  }

const NO_CACHE: AnswerCache = {
  get: async () => undefined,
  put: async () => {},
  questions: async () => [],
  evict: async () => {},
  forgetDocument: async () => {},
}

/** `recall` of first questions only: the answer to "and how much is it?" is not the next conversation's. */
export const singleTurn =
  (recall: Support<'recall'>): Support<'recall'> =>
  async (facts, deps, context) => {
    const { turns } = await historyOf(facts.ticket, deps, context)
    if (turns.length === 0) return recall(facts, deps, context)
    const result = await recall(facts, { ...deps, cache: NO_CACHE }, context)
    if (result.outcome !== 'miss') return result
    return { ...result, facts: { recalled: { ...result.facts.recalled, cacheable: false } } }
  }

/** `classify`, with a query that can be understood without the turns before: by a model where there is one, else by rule. */
export const standingAlone =
  (classify: Support<'classify'>): Support<'classify'> =>
  async (facts, deps, context) => {
    const result = await classify(facts, deps, context)
    const { triage } = result.facts
    const alone = facts.screened.guard === 'suspicious' || !dependsOnEarlier(triage.query)
    if (result.outcome !== 'answerable' || alone) return result
    const history = await historyOf(facts.ticket, deps, context)
    if (history.turns.length === 0) return result
    const query = await rewritten(triage.query, fitWindow(history, 600).turns, deps, context)
    return { ...result, facts: { triage: { ...triage, query, reasons: [...triage.reasons, 'follow-up question'] } } }
  }

async function rewritten(
  query: string,
  turns: readonly Turn[],
  deps: Deps,
  context: Parameters<Support<'classify'>>[2],
): Promise<string> {
  const byRule = standAlone(query, turns)
  // In a chat somebody waits for the first word: a model is only asked where the rule has found nothing to add.
  if (!deps.modelAvailable || (context.lane === 'interactive' && byRule !== query)) return byRule
  try {
    return await askForRewrite(query, turns, deps, context)
  } catch (error) {
    context.signal.throwIfAborted()
    context.log.warn({ err: error }, 'the follow-up question was not rewritten by a model; the topic is added by rule')
    return byRule
  }
}

/** `generate`, with the conversation before the passages in every prompt for a draft; a suspicious message gets none. */
export const knowingHistory =
  (generate: Support<'generate'>): Support<'generate'> =>
  async (facts, deps, context) => {
    if (facts.screened.guard === 'suspicious') return generate(facts, deps, context)
    const history = await historyOf(facts.ticket, deps, context)
    if (history.turns.length === 0 && !history.summary) return generate(facts, deps, context)
    const block = await conversationBlock(facts.ticket, history, deps, context)
    if (block === '') return generate(facts, deps, context)
    return generate(facts, { ...deps, llm: told(deps.llm, block) }, context)
  }

const told = (llm: Llm, block: string): Llm => ({
  generate(request, options) {
    const [first, ...more] = request.messages
    if (request.task !== 'generate' || !first) return llm.generate(request, options)
    return llm.generate({ ...request, messages: [{ ...first, content: block + first.content }, ...more] }, options)
  },
  ready: () => llm.ready(),
})

/** `deliver`, which keeps the turn in the statement that keeps the reply. */
export const endingTurn =
  (deliver: Support<'deliver'>): Support<'deliver'> =>
  (facts, deps, context) => {
    const { ticket, answer, screened } = facts
    const { privacy } = context.tenant.config
    const mask = (text: string) => maskedForHistory(text, ticket.requester, privacy, screened?.placeholders ?? [])
    const said = screened ? forHistory(`${screened.subject}\n${screened.text}`) : mask(`${ticket.subject}\n${ticket.body}`)
    // What the guard distrusts now would be read as trusted with the next message.
    const asked = screened?.guard === 'suspicious' ? '' : said
    // A person writes what a person writes: it is masked like the customer's own words.
    const answered = answer.by === 'person' ? mask(answer.text) : forHistory(answer.text)
    const turn: Turn = {
      ticketId: ticket.id,
      asked: asked.trim().slice(0, 4_000).toWellFormed(),
      answered: answered.slice(0, 4_000).toWellFormed(),
      author: answer.by === 'person' ? 'person' : 'machine',
      at: context.now,
    }
    const conversations: ConversationStore = {
      ...deps.conversations,
      deliver: (reply, callback) => deps.conversations.deliver(reply, callback, turn),
    }
    return deliver(facts, { ...deps, conversations }, context)
  }
