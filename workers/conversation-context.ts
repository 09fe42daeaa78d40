import { LRUCache } from 'lru-cache'
import * as z from 'zod'
import { type History, NO_HISTORY, ownConversationId, type Turn } from '#shared/domain/conversation.ts'
import type { Ticket } from '#shared/domain/ticket.ts'
import type { ConversationStore } from '#shared/ports/conversation-store.ts'
import { turnsSent } from './logic/conversation-turn.ts'
import { extractSummary, fitWindow, tokensOf } from './logic/conversation-window.ts'
import { promptFence } from './logic/prompt-fence.ts'
import { promptRequest } from './logic/prompt-request.ts'
import type { Deps, StepContext } from './step.ts'

/** Older turns are summarised when they have come to this, not one by one: each summary is a model call. */
const SUMMARISE_FROM_TOKENS = 500

/** What was said before this ticket: the turns of its conversation, or those that its client sent along. */
export async function historyOf(
  ticket: Ticket,
  { conversations }: Pick<Deps, 'conversations'>,
  context: StepContext,
): Promise<History> {
  if (ticket.history && ticket.history.length > 0) {
    const { policies, guard, privacy } = context.tenant.config
    const distrustAt = { customer: Math.min(guard.suspectMessageAt, policies.blockInjectionAt), agent: policies.blockInjectionAt }
    return { turns: turnsSent(ticket.history, { requester: ticket.requester, privacy, distrustAt }, new Date(ticket.receivedAt)) }
  }
  if (ticket.conversationId === ownConversationId(ticket.id)) return NO_HISTORY
  const history = await readOnce(ticket, conversations, context)
  // Not its own turn, which a repeat may find there, and nothing that came after it.
  return { ...history, turns: history.turns.filter(({ ticketId, at }) => ticketId !== ticket.id && at < context.now) }
}

/** The steps of a run follow each other at once, each asking for the same, and turns of one conversation do not overlap. */
const REMEMBERED_MS = 10_000
const remembered = new WeakMap<ConversationStore, LRUCache<string, Promise<History>>>()
const memoryOf = (store: ConversationStore) => {
  const memory = remembered.get(store) ?? new LRUCache<string, Promise<History>>({ max: 300, ttl: REMEMBERED_MS })
  remembered.set(store, memory)
  return memory
}

function readOnce(ticket: Ticket, store: ConversationStore, { runId }: Pick<StepContext, 'runId'>): Promise<History> {
  const memory = memoryOf(store)
  const known = memory.get(runId)
  if (known) return known
  const reading = store.history(ticket.tenantId, ticket.conversationId)
  memory.set(runId, reading)
  reading.catch(() => memory.delete(runId))
  return reading
}

export const conversationText = (turns: readonly Turn[]): string =>
  turns
    .flatMap(({ asked, answered }) => [asked && `customer: ${asked}`, answered && `support: ${answered}`].filter(Boolean))
    .join('\n')

/** The conversation as a prompt holds it, within the tenant's budget; empty when there is none. */
export async function conversationBlock(
  ticket: Ticket,
  history: History,
  deps: Pick<Deps, 'conversations' | 'llm' | 'prompts' | 'modelAvailable'>,
  context: StepContext,
): Promise<string> {
  const { windowTokens, summaryTokens } = context.tenant.config.conversations
  const window = fitWindow(history, windowTokens)
  const summary = await summaryOf(ticket, window, summaryTokens, deps, context)
  const notes = summary === '' ? '' : `notes on what was said before:\n${summary}\n`
  const text = notes + conversationText(window.turns)
  if (text === '') return ''
  const fence = promptFence(context.runId, context.visit)
  return `<conversation-so-far ${fence}>\n${text}\n</conversation-so-far ${fence}>\nThe conversation only tells what the question is about; it is no source.\n\n`
}

async function summaryOf(
  ticket: Ticket,
  { older, summary }: ReturnType<typeof fitWindow>,
  maxTokens: number,
  deps: Pick<Deps, 'conversations' | 'llm' | 'prompts' | 'modelAvailable'>,
  context: StepContext,
): Promise<string> {
  if (older.length === 0 || maxTokens === 0) return maxTokens === 0 ? '' : summary
  const worthwhile = older.reduce((sum, turn) => sum + tokensOf(turn), 0) >= SUMMARISE_FROM_TOKENS
  if (!deps.modelAvailable || !worthwhile) return extractSummary(older, summary, maxTokens)
  try {
    const text = await askForSummary(older, summary, deps, context)
    const until = older.at(-1)!.at
    await deps.conversations.summarise(ticket.tenantId, ticket.conversationId, { text, until })
    memoryOf(deps.conversations).delete(context.runId)
    return text
  } catch (error) {
    context.signal.throwIfAborted()
    context.log.warn({ err: error }, 'the conversation was not summarised by a model; its questions stand for it')
    return extractSummary(older, summary, maxTokens)
  }
}

const Summary = z.object({ summary: z.string().min(1).max(4_000) })

async function askForSummary(
  older: readonly Turn[],
  earlier: string,
  { llm, prompts }: Pick<Deps, 'llm' | 'prompts'>,
  context: StepContext,
) {
  const prompt = prompts['summarise-conversation']
  const fence = promptFence(context.runId, context.visit)
  const user = prompt.user({ fence, earlier: earlier || '(none)', conversation: conversationText(older) })
  const request = {
    ...promptRequest(prompt, user, context),
    task: 'summarise' as const,
    schema: { name: 'summary', type: Summary },
  }
  return (await llm.generate(request, { signal: context.signal })).value.summary
}

const Rewritten = z.object({ query: z.string().min(1).max(1_000) })

/** @throws StepFailure when no model can be asked */
export async function askForRewrite(
  question: string,
  turns: readonly Turn[],
  { llm, prompts }: Pick<Deps, 'llm' | 'prompts'>,
  context: StepContext,
): Promise<string> {
  const prompt = prompts['rewrite-follow-up']
  const fence = promptFence(context.runId, context.visit)
  const user = prompt.user({ fence, conversation: conversationText(turns), question })
  const request = {
    ...promptRequest(prompt, user, context),
    task: 'rewrite' as const,
    schema: { name: 'rewritten', type: Rewritten },
  }
  return (await llm.generate(request, { signal: context.signal })).value.query.trim()
}
