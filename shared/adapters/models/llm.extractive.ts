import type { ModelDraft } from '#shared/domain/draft.ts'
import { terminal } from '#shared/domain/failure.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Llm } from '#shared/ports/llm.ts'
import { extractSentences } from './extract-sentences.ts'

export const EXTRACTIVE_MODEL = 'extractive-1'

/**
 * Below this the passages do not speak of what is asked. Set on the demo as retrieved by the real search: every unanswerable
 * ticket lies below it, and so do 5 of 61 answerable ones, which a person then answers. A true sentence that misses the question
 * is worse than a person's answer. See docs/decisions/0011-claim-ledger.md.
 */
const MIN_STRENGTH = 0.435

/**
 * Not a language model: it writes nothing, it quotes the sentences of the given passages that answer the question best, each with
 * its passage number, and declines when they do not cover it. Free, always there, and the same for the same input. It takes the
 * task `generate` with `request.material`; for all else it throws `terminal('extractive-cannot')`, so that whoever asked decides
 * without a model. English questions: quoting does not translate.
 */
export function createExtractiveLlm({ clock }: { readonly clock: Clock }): Llm {
  return {
    async generate(request, { signal, onDelta }) {
      signal.throwIfAborted()
      const { task, material } = request
      if (task !== 'generate' || material === undefined) {
        throw terminal(
          'extractive-cannot',
          `the extractive model quotes sentences for "generate" only, not for "${task}"${material ? '' : ' without passages'}`,
        )
      }
      const startedAt = clock.now()
      const draft = draftFrom(extractSentences(material.question, material.passages))
      const parsed = request.schema.type.safeParse(draft)
      if (!parsed.success)
        throw terminal('extractive-cannot', `the extractive model cannot fill the schema "${request.schema.name}"`)
      const text = JSON.stringify(draft)
      onDelta?.({ kind: 'text', text })
      return {
        value: parsed.data,
        text,
        provider: 'extractive',
        model: EXTRACTIVE_MODEL,
        usage: NO_USAGE,
        costUsd: 0,
        latencyMs: Math.max(0, clock.now().getTime() - startedAt.getTime()),
        fromJournal: false,
      }
    },
    async ready() {
      return { ok: true, detail: 'quotes sentences; needs no key and no network' }
    },
  }
}

function draftFrom({ sentences, strength }: ReturnType<typeof extractSentences>): ModelDraft {
  const answerable = sentences.length > 0 && strength >= MIN_STRENGTH
  return { answerable, sentences: answerable ? [...sentences] : [], followUps: [] }
}
