import type { LlmRequest } from '#shared/ports/llm.ts'
import type { Prompt, StepContext } from '#workers/step.ts'

/** What every request made from a prompt file has in common; the task, its schema and its material are the step's own. */
export const promptRequest = (
  prompt: Prompt,
  user: string,
  { call }: Pick<StepContext, 'call'>,
): Omit<LlmRequest, 'task' | 'schema' | 'material'> => ({
  tier: prompt.tier,
  prompt: { id: prompt.id, version: prompt.version, hash: prompt.hash },
  system: prompt.system,
  messages: [{ role: 'user', content: user }],
  maxOutputTokens: prompt.maxOutputTokens,
  call,
})
