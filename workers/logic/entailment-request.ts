import type { Passage } from '#shared/domain/passage.ts'
import type { LlmRequest } from '#shared/ports/llm.ts'
import type { Prompt, StepContext } from '#workers/step.ts'
import { type Entailment, Entailments } from './entailment.ts'
import { promptRequest } from './prompt-request.ts'

/** A claim as a model is asked about it: its words, and the numbers of the passages that it cites. */
export type AskedClaim = { readonly text: string; readonly citations: readonly number[] }

/** One question about all claims of a draft, numbered from 1, with the passages that any of them cites, behind the fence. */
export function entailmentRequest(
  claims: readonly AskedClaim[],
  passages: readonly Passage[],
  { prompt, fence, call }: { readonly prompt: Prompt; readonly fence: string } & Pick<StepContext, 'call'>,
): LlmRequest<Entailments> {
  const cited = new Set(claims.flatMap(({ citations }) => citations))
  const user = prompt.user({
    fence,
    passages: passages
      .filter(({ n }) => cited.has(n))
      .map(({ n, title, text }) => `<passage n="${n}" title=${JSON.stringify(title)}>\n${text}\n</passage>`)
      .join('\n'),
    claims: claims.map(({ text, citations }, at) => JSON.stringify({ claim: at + 1, passages: citations, text })).join('\n'),
  })
  return { ...promptRequest(prompt, user, { call }), task: 'verify', schema: { name: 'entailment', type: Entailments } }
}

/**
 * What was said of each claim, by its place among those asked about. Of two verdicts on one claim the stricter one counts;
 * numbers that were not asked about count for nothing.
 */
export function strictestOf({ verdicts }: Entailments, asked: number): Map<number, Entailment> {
  const said = new Map<number, Entailment>()
  for (const verdict of verdicts) {
    const at = verdict.claim - 1
    if (at < asked && (said.get(at)?.verdict ?? 'entailed') === 'entailed') said.set(at, verdict)
  }
  return said
}
