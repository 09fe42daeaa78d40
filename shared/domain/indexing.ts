import * as z from 'zod'
import { Audience } from './document.ts'

/** Facts of `index-document`. They hold ids and counts only: text, chunks and vectors live in the document store. */

/** Given. A run indexes one version of a document; when the document has moved on, the run ends as superseded. */
export const DocumentVersion = z.object({ documentId: z.string().min(1), contentHash: z.string().min(1) })
export type DocumentVersion = z.infer<typeof DocumentVersion>

/** Written by `parse`. No words of the document: a fact outlives it. */
export const Parsed = z.object({ characters: z.int().nonnegative(), pages: z.int().positive().optional() })
export type Parsed = z.infer<typeof Parsed>

/** Written by `chunk`. */
export const Chunks = z.object({ count: z.int().positive(), tokens: z.int().nonnegative() })
export type Chunks = z.infer<typeof Chunks>

/** Written by `enrich`: how many chunks have a model-written context, and how many should have and were left without. */
export const Enriched = z.object({ contexts: z.int().nonnegative(), without: z.int().nonnegative() })
export type Enriched = z.infer<typeof Enriched>

/** Written by `embed`. */
export const Vectors = z.object({
  embedderId: z.string(),
  count: z.int().positive(),
  /** How many were computed now; the rest came from the cache. */
  computed: z.int().nonnegative(),
})
export type Vectors = z.infer<typeof Vectors>

/** Written by `index`. */
export const Indexed = z.object({ count: z.int().positive(), knowledgeVersion: z.string() })
export type Indexed = z.infer<typeof Indexed>

/** Written by a step that found the document changed or deleted since its run began, or unfit to be indexed. */
export const Unindexed = z.object({ code: z.string(), reason: z.string() })
export type Unindexed = z.infer<typeof Unindexed>

/**
 * What `parse` makes of a document: plain text or Markdown without front matter. Offsets of chunks and citations are
 * UTF-16 offsets into this `text`.
 */
export const ParsedDocument = z.object({
  title: z.string(),
  text: z.string(),
  structure: z.enum(['markdown', 'plain']),
  /** Where each page of the original begins in `text`; only for formats with pages. */
  pageStarts: z.array(z.int().nonnegative()).optional(),
  url: z.string().optional(),
  product: z.string().optional(),
  audience: Audience,
  language: z.string().optional(),
  modifiedAt: z.string().optional(),
})
export type ParsedDocument = z.infer<typeof ParsedDocument>
