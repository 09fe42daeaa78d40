import * as z from 'zod'
import type { Draft } from '#shared/domain/draft.ts'
import type { Screened } from '#shared/domain/screened.ts'
import type { Llm, LlmDelta } from '#shared/ports/llm.ts'
import { promptFence } from './logic/prompt-fence.ts'
import { promptRequest } from './logic/prompt-request.ts'
import type { Deps, Step, StepContext } from './step.ts'

type Generate = Step<'support-ticket', 'generate', keyof Deps>

const Opinion = z.object({ injection: z.number().min(0).max(1) })

/**
 * `generate`, for a customer who waits with a message that the guard finds suspicious: a model is asked what it makes of the message
 * while the draft is being written, and nobody sees a word of the draft before it has said that it may be answered. In the other lanes,
 * and for messages that no local classifier understands, `classify` has asked already.
 */
export const seconded =
  (generate: Generate): Generate =>
  async (facts, deps, context) => {
    const { screened, triage } = facts
    const asked = context.lane !== 'interactive' || triage.decidedBy !== 'local' || context.visit > 1
    if (screened.guard !== 'suspicious' || asked || !deps.modelAvailable) return generate(facts, deps, context)
    const opinion = opinionOn(screened, deps, context)
    const isOrder = opinion.then((injection) => injection >= context.tenant.config.policies.blockInjectionAt)
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

/** @returns 0 where no model can say: then it is as if there were none, and the guard's own score has to do */
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
    context.log.warn({ err }, 'no model gave its opinion on a suspicious message')
    return 0
  }
}

/** What is written reaches nobody until it is known that the message may be answered. */
const heldBack = (llm: Llm, isOrder: Promise<boolean>): Llm => ({
  async generate(request, options) {
    const held: LlmDelta[] = []
    let known = false
    const said = isOrder.then((order) => {
      if (order) throw new MessageIsOrder('the message gives orders')
      known = true
      for (const delta of held) options.onDelta?.(delta)
    })
    // It is waited for below; until then nobody listens.
    said.catch(() => {})
    const onDelta = (delta: LlmDelta) => {
      if (known) options.onDelta?.(delta)
      else held.push(delta)
    }
    const reply = await llm.generate(request, { ...options, onDelta })
    await said
    return reply
  },
  ready: () => llm.ready(),
})
