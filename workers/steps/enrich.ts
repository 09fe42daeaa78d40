import * as z from 'zod'
import type { Chunk } from '#shared/domain/document.ts'
import { Parked, StepFailure } from '#shared/domain/failure.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import { currentDocument, superseded } from '#workers/logic/current-document.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import { promptRequest } from '#workers/logic/prompt-request.ts'
import type { Deps, Step, StepContext } from '#workers/step.ts'

const Reply = z.object({ context: z.string() })
const AT_ONCE = 4
/** Of the document around a chunk that the model reads; the beginning of a longer one says what it is about. */
const MAX_DOCUMENT_CHARACTERS = 24_000
const HEAD_CHARACTERS = 4_000
const MAX_CONTEXT_CHARACTERS = 400
/** A context is a help, no need: when models stay away, the document is indexed without. */
const MAX_ATTEMPTS = 3

type Doors = Pick<Deps, 'documents' | 'llm' | 'prompts' | 'modelAvailable'>

/**
 * Lets a model write where each chunk stands in its document, where the tenant wants that (Anthropic, "Introducing Contextual
 * Retrieval", 2024). All chunks are asked for before the run parks for a batch, so that one batch serves the document.
 */
export const enrich: Step<'index-document', 'enrich', keyof Doors> = async ({ document }, doors, context) => {
  const { documents } = doors
  const { documentId, contentHash } = document
  const tenantId = context.tenant.id
  if (!(await currentDocument(documents, tenantId, document))) return superseded()
  const wanted = context.tenant.config.knowledge.contextSentences !== 'off'
  if (!wanted || !doors.modelAvailable) return { outcome: 'enriched', facts: { enriched: { contexts: 0, without: 0 } } }
  const parsed = await documents.parsedOf(tenantId, documentId, contentHash)
  const chunks = await documents.chunksOf(tenantId, documentId, contentHash)
  if (!parsed || chunks.length === 0) return superseded()
  const contexts = await contextsOf(chunks, parsed, doors, context)
  const enriched = chunks.map((chunk, i) => (contexts[i] === undefined ? chunk : { ...chunk, context: contexts[i] }))
  await documents.saveChunks(tenantId, documentId, contentHash, enriched)
  const written = contexts.filter((text) => text !== undefined).length
  return { outcome: 'enriched', facts: { enriched: { contexts: written, without: chunks.length - written } } }
}

/** One per chunk, undefined where no model would. @throws Parked, or a failure that is worth another attempt */
async function contextsOf(
  chunks: readonly Chunk[],
  parsed: ParsedDocument,
  doors: Doors,
  context: StepContext,
): Promise<(string | undefined)[]> {
  const contexts: (string | undefined)[] = []
  const troubles: unknown[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let i = next++; i < chunks.length; i = next++) {
      context.signal.throwIfAborted()
      contexts[i] = await contextOf(chunks[i]!, parsed, doors, context).catch((error: unknown) => {
        troubles.push(error)
        return undefined
      })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  context.signal.throwIfAborted()
  const decisive = troubles.find((error) => error instanceof Parked) ?? troubles.find((error) => worthAnAttempt(error, context))
  if (decisive !== undefined) throw decisive
  if (troubles.length > 0)
    context.log.warn({ chunks: troubles.length, err: troubles[0] }, 'chunks are indexed without a model-written context')
  return Array.from({ length: chunks.length }, (_, i) => contexts[i])
}

const worthAnAttempt = (error: unknown, { attempt }: StepContext): boolean =>
  !(error instanceof StepFailure) || (error.failure.kind === 'retryable' && attempt < MAX_ATTEMPTS)

async function contextOf(chunk: Chunk, parsed: ParsedDocument, doors: Doors, context: StepContext): Promise<string | undefined> {
  const prompt = doors.prompts['contextualise-chunk']
  const user = prompt.user({
    fence: promptFence(context.runId, context.visit),
    title: parsed.title,
    section: chunk.section.join(' > '),
    document: around(parsed.text, chunk),
    chunk: chunk.text,
  })
  const reply = await doors.llm.generate(
    { ...promptRequest(prompt, user, context), task: 'contextualise', schema: { name: 'chunk_context', type: Reply } },
    { signal: context.signal },
  )
  return reply.value.context.replace(/\s+/g, ' ').trim().slice(0, MAX_CONTEXT_CHARACTERS).toWellFormed() || undefined
}

/** The whole document where it fits, else its beginning and what stands around the chunk. */
function around(text: string, { start, end }: Chunk): string {
  if (text.length <= MAX_DOCUMENT_CHARACTERS) return text
  const margin = Math.max(0, Math.floor((MAX_DOCUMENT_CHARACTERS - HEAD_CHARACTERS - (end - start)) / 2))
  const from = Math.max(HEAD_CHARACTERS, start - margin)
  return `${text.slice(0, HEAD_CHARACTERS)}\n[…]\n${text.slice(from, end + margin)}`.toWellFormed()
}
