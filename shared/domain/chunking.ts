import * as z from 'zod'

/**
 * How a document is split. `structure` follows headings and keeps lists, tables and code whole · `recursive` cuts at paragraphs, then
 * lines, then sentences · `fixed` cuts every so many tokens · `semantic` cuts where neighbouring sentences differ most in meaning ·
 * `code` cuts between top-level definitions.
 */
export const ChunkStrategy = z.enum(['structure', 'recursive', 'fixed', 'semantic', 'code'])
export type ChunkStrategy = z.infer<typeof ChunkStrategy>

/** Sizes by kind of content: `faq` 150 to 300 tokens, `technical` 400 to 800, `legal` 800 to 1,500. */
export const ChunkPreset = z.enum(['faq', 'technical', 'legal'])
export type ChunkPreset = z.infer<typeof ChunkPreset>

/** What a tenant sets for all its documents, or a producer for one; what is left out falls to the next. */
export const ChunkingChoice = z.strictObject({
  strategy: ChunkStrategy.optional(),
  preset: ChunkPreset.optional(),
  /** Tokens; no chunk is longer. The preset's when left out. */
  maxTokens: z.int().min(50).max(4_000).optional(),
  /** Tokens of the chunk before that a chunk repeats at its beginning; at most half of `maxTokens`. */
  overlapTokens: z.int().min(0).max(1_000).optional(),
})
export type ChunkingChoice = z.infer<typeof ChunkingChoice>
