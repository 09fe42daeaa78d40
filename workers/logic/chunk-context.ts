import { ContextReply } from '#shared/domain/digest.ts'
import type { Chunk } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import { promptRequest } from '#workers/logic/prompt-request.ts'
import type { Deps, StepContext } from '#workers/step.ts'

/** Of the document around a chunk that the model reads; the beginning of a longer one says what it is about. */
const MAX_DOCUMENT_CHARACTERS = 24_000
const HEAD_CHARACTERS = 4_000
const MAX_CONTEXT_CHARACTERS = 400

/** One model-written sentence that says where a chunk stands in its document; empty when there is nothing to say. */
export async function contextOf(
  chunk: Chunk,
  parsed: ParsedDocument,
  doors: Pick<Deps, 'llm' | 'prompts'>,
  context: StepContext,
): Promise<{ readonly text: string; readonly model: string }> {
  const prompt = doors.prompts['contextualise-chunk']
  const user = prompt.user({
    fence: promptFence(context.runId, context.visit),
    title: parsed.title,
    section: chunk.section.join(' > '),
    document: around(parsed.text, chunk),
    chunk: chunk.text,
  })
  const reply = await doors.llm.generate(
    { ...promptRequest(prompt, user, context), task: 'contextualise', schema: { name: 'chunk_context', type: ContextReply } },
    { signal: context.signal },
  )
  const text = reply.value.context.replace(/\s+/g, ' ').trim().slice(0, MAX_CONTEXT_CHARACTERS).toWellFormed()
  return { text, model: reply.model }
}

/** The whole document where it fits, else its beginning and what stands around the chunk. */
function around(text: string, { start, end }: Chunk): string {
  if (text.length <= MAX_DOCUMENT_CHARACTERS) return text
  const margin = Math.max(0, Math.floor((MAX_DOCUMENT_CHARACTERS - HEAD_CHARACTERS - (end - start)) / 2))
  const from = Math.max(HEAD_CHARACTERS, start - margin)
  return `${text.slice(0, HEAD_CHARACTERS)}\n[…]\n${text.slice(from, end + margin)}`.toWellFormed()
}
