import * as z from 'zod'

/** A document as an answer cited it: another content is another version. */
export const CachedSource = z.object({ documentId: z.string(), contentHash: z.string() })
export type CachedSource = z.infer<typeof CachedSource>

/** How a cached answer was found: the same words, the same but for politeness, or alike enough by the tenant's own evidence. */
export const CacheMatch = z.enum(['exact', 'near-exact', 'similar'])
export type CacheMatch = z.infer<typeof CacheMatch>

/** A question that was answered anew although another one was near: what is learned from is whether that one's answer was right. */
export const NearestQuestion = z.object({ key: z.string(), ticketId: z.string(), similarity: z.number().min(0).max(1) })
export type NearestQuestion = z.infer<typeof NearestQuestion>

/** Names the features and weights of the similarity: evidence that was gathered under another one says nothing about this one. */
export const SIMILARITY_ID = 'pairs-v1'
