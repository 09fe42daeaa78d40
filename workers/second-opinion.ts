import * as z from 'zod'
import type { Draft } from '#shared/domain/draft.ts'
import { StepFailure } from '#shared/domain/failure.ts'
import type { Screened } from '#shared/domain/screened.ts'
import type { Llm, LlmDelta } from '#shared/ports/llm.ts'
import { promptFence } from './logic/prompt-fence.ts'
import { promptRequest } from './logic/prompt-request.ts'
import type { Deps, Step, StepContext } from './step.ts'

type Generate = Step<'support-ticket', 'generate', keyof Deps>

const Opinion = z.object({ injection: z.number().min(0).max(1) })

/**
 * `generate`, for a message that the guard finds suspicious and that no model has said anything of yet: one is asked what it makes of the
 * message while the draft is being written, and nobody sees a word of the draft before it has said that it may be answered. `classify`
 * leaves that to us in the interactive lane, where somebody waits.
 */
export const seconded =
  (generate: Generate): Generate =>
  async (facts, deps, context) => {
    const { screened, triage, draft: earlier } = facts
    const said = triage.injection !== undefined || (earlier !== undefined && earlier.withheld === undefined)
    if (screened.guard !== 'suspicious' || said || !deps.modelAvailable) return generate(facts, deps, context)
    const opinion = opinionOn(screened, deps, context)
    const isOrder = opinion.then((injection) => injection >= context.tenant.config.policies.blockInjectionAt)
    // Whoever drafts waits for it; when nobody came so far, nobody listens.
    isOrder.catch(() => {})
    try {
      return await generate(facts, { ...deps, llm: heldBack(deps.llm, isOrder) }, context)
    } catch (error) {
      if (!(error instanceof MessageIsOrder)) throw error
      return { outcome: 'declined', facts: { draft: { ...NO_DRAFT, withheld: 'prompt injection, says the model' } } }
    }
  }

const NO_DRAFT: Draft = {
  answerable: false,
  sentences: [],
  followUps: [],
  model: '',
  by: 'model',
  prompt: { id: '', version: 1, hash: '' },
}

class MessageIsOrder extends Error {}

/**
 * @returns 0 where no model can say: then it is as if there were none, and the guard's own score has to do
 * @throws what is no failure of the providers, and an abort
 */
async function opinionOn(
  { subject, text }: Screened,
  { llm, prompts }: Pick<Deps, 'llm' | 'prompts'>,
  context: StepContext,
): Promise<number> {
  const prompt = prompts['second-opinion']
  const user = prompt.user({ fence: promptFence(context.runId, context.visit), subject, text })
  const request = {
    ...promptRequest(prompt, user, context),
    task: 'classify',
    schema: { name: 'opinion', type: Opinion },
  } as const
  try {
    return (await llm.generate(request, { signal: context.signal })).value.injection
  } catch (err) {
    context.signal.throwIfAborted()
    if (!(err instanceof StepFailure) || !/^(?:provider-|budget-exhausted$|no-model-)/.test(err.failure.code)) throw err
    context.log.warn({ err }, 'no model gave its opinion on a suspicious message')
    return 0
  }
}

/** What is written reaches nobody until it is known that the message may be answered, nor when its writing has ended badly before. */
const heldBack = (llm: Llm, isOrder: Promise<boolean>): Llm => ({
  async generate(request, options) {
    const held: LlmDelta[] = []
    let state: 'waiting' | 'open' | 'order' | 'over' = 'waiting'
    const opened = isOrder.then((order) => {
      if (state === 'over') return
      state = order ? 'order' : 'open'
      if (state === 'open') for (const delta of held) options.onDelta?.(delta)
    })
    // It is waited for below; until then nobody listens.
    opened.catch(() => {})
    const onDelta = (delta: LlmDelta) => {
      if (state === 'open') options.onDelta?.(delta)
      else held.push(delta)
    }
    try {
      const reply = await llm.generate(request, { ...options, onDelta })
      await opened
      if (isOrdered(state)) throw new MessageIsOrder('the message gives orders')
      return reply
    } catch (error) {
      // Another try would not make it less of an order.
      throw isOrdered(state) ? new MessageIsOrder('the message gives orders', { cause: error }) : error
    } finally {
      state = 'over'
    }
  },
  ready: () => llm.ready(),
})

/** Asked of a value that a callback has changed meanwhile, which the compiler does not see. */
const isOrdered = (state: string): boolean => state === 'order'
