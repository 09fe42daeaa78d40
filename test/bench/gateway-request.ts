import { ModelDraft } from '#shared/domain/draft.ts'
import type { LlmRequest } from '#shared/ports/llm.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import { loadPrompts } from '#workers/prompts.ts'

const PASSAGES = Array.from(
  { length: 6 },
  (_, i) =>
    `<passage n="${i + 1}" title="The Aurora kettle" section="Warranty">
The warranty of the Aurora kettle, edition ${i + 1}, lasts ${11 + i} months from the day of purchase. Keep the receipt, because it is asked for with every claim.
</passage>`,
).join('\n')
const prompt = loadPrompts()['draft-answer']

/** A draft as `generate` asks for it, each with a run, a fence and words of its own, so that no journal answers it. */
export function draftRequestOf(round: string, i: number, settle?: (writing: Promise<void>) => void): LlmRequest<ModelDraft> {
  const runId = `run_bench_${round}_${i}`
  const fence = promptFence(runId, 1)
  const question = `How long does the warranty of the Aurora kettle, edition 3, last? Case ${round}${i}.`
  const content = `<passages ${fence}>\n${PASSAGES}\n</passages ${fence}>\n\n<question ${fence}>\n${question}\n</question ${fence}>`
  const customer = { customerId: `customer-${i % 500}`, customerTier: 'enterprise' } as const
  return {
    task: 'generate',
    tier: 'cheap',
    prompt: { id: prompt.id, version: prompt.version, hash: prompt.hash },
    system: prompt.system,
    messages: [{ role: 'user', content }],
    schema: { name: 'draft', type: ModelDraft },
    maxOutputTokens: prompt.maxOutputTokens,
    // As the engine asks on the usual way: the run was brought here by the same process.
    call: { tenantId: 'default', runId, step: 'generate', visit: 1, firstTry: true, ...customer, ...(settle && { settle }) },
  }
}
