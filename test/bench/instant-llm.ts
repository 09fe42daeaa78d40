import type { Passage } from '#shared/domain/passage.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { Llm } from '#shared/ports/llm.ts'
import { splitSentences } from '#shared/text/sentences.ts'

const TRIAGE = { intent: 'unknown', confidence: 0, severity: 'P3', legalThreat: false, wantsPerson: false, query: '' }

/**
 * A model that answers at once, so that what is measured is everything but the model. It quotes the first whole sentence of the
 * best passage: true by construction, and parsed, recorded and checked like any model's reply.
 */
export const instantLlm: Llm = {
  async generate({ schema, task, material }) {
    const text = JSON.stringify(task === 'generate' ? draftFrom(material?.passages ?? []) : TRIAGE)
    const value = schema.type.parse(JSON.parse(text))
    return { value, text, provider: 'bench', model: 'instant-1', usage: NO_USAGE, costUsd: 0, latencyMs: 0, fromJournal: false }
  },
  ready: async () => ({ ok: true, detail: 'in this process' }),
}

function draftFrom(passages: readonly Passage[]) {
  const best = passages[0]
  const sentence = best && splitSentences(best.text).find(({ text }) => /^[A-Z][^|#\n]{40,}\.$/.test(text.trim()))
  const text = sentence?.text.trim() ?? best?.text ?? 'The box is blue.'
  return { answerable: true, sentences: [{ text, citations: [best?.n ?? 1] }], followUps: [] }
}
