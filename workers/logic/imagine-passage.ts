import * as z from 'zod'
import { Parked } from '#shared/domain/failure.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import { promptRequest } from '#workers/logic/prompt-request.ts'
import type { Deps, StepContext } from '#workers/step.ts'

const Imagined = z.object({ passage: z.string().min(1).max(4_000) })
/** Somebody waits for the answer: what comes later than this is done without. */
const DEADLINE_MS = 4_000

/**
 * What an answer might look like, for the search by meaning (HyDE: Gao et al., ACL 2023).
 * @returns undefined where the tenant does not want it, where no model can be asked, or where none answers in time
 * @throws Parked in the lane whose calls wait for a batch
 */
export async function imaginePassage(
  question: string,
  { llm, prompts, modelAvailable }: Pick<Deps, 'llm' | 'prompts' | 'modelAvailable'>,
  context: StepContext,
): Promise<string | undefined> {
  if (!context.tenant.config.knowledge.hypotheticalPassages || !modelAvailable) return undefined
  const prompt = prompts['imagine-passage']
  const user = prompt.user({ fence: promptFence(context.runId, context.visit), question })
  const request = {
    ...promptRequest(prompt, user, context),
    task: 'rewrite' as const,
    schema: { name: 'passage', type: Imagined },
  }
  try {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(DEADLINE_MS)])
    return (await llm.generate(request, { signal })).value.passage.trim()
  } catch (error) {
    if (error instanceof Parked) throw error
    context.signal.throwIfAborted()
    context.log.warn({ err: error }, 'no passage was imagined; the question alone is searched for')
    return undefined
  }
}
