import { askMany, missableAfter } from '#workers/logic/ask-many.ts'
import { contextOf } from '#workers/logic/chunk-context.ts'
import { currentDocument, superseded } from '#workers/logic/current-document.ts'
import type { Deps, Step } from '#workers/step.ts'

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
  const mayMiss = missableAfter(MAX_ATTEMPTS, context.attempt)
  const { replies, troubles } = await askMany(chunks, (chunk) => contextOf(chunk, parsed, doors, context), context, mayMiss)
  if (troubles.length > 0)
    context.log.warn({ chunks: troubles.length, err: troubles[0] }, 'chunks are indexed without a model-written context')
  const contexts = replies.map((reply) => reply?.text || undefined)
  const enriched = chunks.map((chunk, i) => (contexts[i] === undefined ? chunk : { ...chunk, context: contexts[i] }))
  await documents.saveChunks(tenantId, documentId, contentHash, enriched)
  const written = contexts.filter((text) => text !== undefined).length
  return { outcome: 'enriched', facts: { enriched: { contexts: written, without: chunks.length - written } } }
}
