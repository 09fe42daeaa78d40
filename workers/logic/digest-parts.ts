import type { Chunk } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { Tenant } from '#shared/domain/tenant.ts'
import { chunkDocument } from './chunk-document.ts'
import { settleChunking } from './chunk-sizes.ts'
import { screenDocument } from './guard-document.ts'

/** Of a document, what one call is given: well within the window of every model in use, and small enough to be read with care. */
const PART_TOKENS = 12_000
/** Beyond this a document is a book: each of its parts would have a sentence of the summary, and none of them would say much. */
export const MAX_PARTS = 16
/** More than any text of that many parts has: it need not be read to be refused. */
export const MAX_CHARACTERS = MAX_PARTS * PART_TOKENS * 8

/** Its chunks, made anew for every step that needs them: the same text gives the same chunks. Hidden instructions stay out. */
export function digestChunks(documentId: string, parsed: ParsedDocument, { config }: Tenant): Chunk[] {
  const chunks = chunkDocument(documentId, '', parsed, settleChunking())
  return chunks.filter(({ text }) => screenDocument(text).score < config.guard.quarantineChunkAt)
}

/** Chunks as numbered passages of the whole document, in parts that fit into a call. */
export function partsOf(chunks: readonly Chunk[]): Passage[][] {
  const parts: Passage[][] = []
  let tokens = Number.POSITIVE_INFINITY
  for (const chunk of chunks) {
    if (tokens + chunk.tokens > PART_TOKENS) {
      parts.push([])
      tokens = 0
    }
    parts.at(-1)!.push(passageOf(chunk))
    tokens += chunk.tokens
  }
  return parts
}

export const passageOf = ({ id, documentId, title, url, section, text, start, end, position }: Chunk): Passage => ({
  n: position + 1,
  chunkId: id,
  documentId,
  title,
  ...(url === undefined ? {} : { url }),
  section,
  text,
  start,
  end,
  scores: { fused: 0 },
})
