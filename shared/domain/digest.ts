import * as z from 'zod'
import { Citation } from './answer.ts'
import { DraftSentence } from './draft.ts'
import { derivedId } from './id.ts'
import { Claim } from './verdict.ts'

/** The document of pairs that is made of a source; the next digest of that source replaces it. */
export const faqDocumentId = (tenantId: string, sourceId: string): string => derivedId('doc', tenantId, 'faq', sourceId)

/** Facts of `digest-document`. They hold counts only: texts, drafts and results stand in the set's items. */

/** Given. */
export const DigestItemRef = z.object({ setId: z.string(), position: z.int().nonnegative() })
export type DigestItemRef = z.infer<typeof DigestItemRef>

/** Written by `read`. */
export const ReadDocument = z.object({ characters: z.int().nonnegative(), parts: z.int().positive() })
/** Written by `digest`. */
export const Digested = z.object({ calls: z.int().nonnegative(), by: z.enum(['model', 'extractive']) })
/** Written by `prove`: how many claims stand, and how many were cut. */
export const Proven = z.object({ kept: z.int().nonnegative(), cut: z.int().nonnegative() })
/** Written by whichever step found that there will be no result. The reason holds no words of the document. */
export const Undigested = z.object({ code: z.string(), reason: z.string() })
export type Undigested = z.infer<typeof Undigested>
/** Written by `collect`. */
export const Collected = z.object({ indexRunId: z.string().optional() })

/** What models are asked for. */
export const SummaryReply = z.object({ answerable: z.boolean(), sentences: z.array(DraftSentence).max(60) })
export const FaqReply = z.object({
  pairs: z.array(z.object({ question: z.string(), answer: z.array(DraftSentence).max(20) })).max(30),
})
export const ContextReply = z.object({ context: z.string() })
export const labelReply = (labels: readonly string[]) => z.object({ label: z.enum(labels as [string]), quote: z.string() })

/** What came of the calls, by part of the document (by chunk for contexts): not shown to anyone before it is proven. */
export const DigestDraft = z.object({ by: z.enum(['model', 'extractive']), model: z.string(), replies: z.array(z.unknown()) })
export type DigestDraft = z.infer<typeof DigestDraft>

const Cut = z.object({ text: z.string(), reason: z.string() })
const Proof = { by: z.enum(['model', 'extractive']), model: z.string() }
const Cited = z.object({ text: z.string(), citations: z.array(Citation) })

/** What a document's digest is; every claim in it was found in the document, `cut` is what was not. */
export const DigestResult = z.discriminatedUnion('task', [
  z.object({ task: z.literal('summarise'), ...Proof, ...Cited.shape, claims: z.array(Claim), cut: z.array(Cut) }),
  z.object({
    task: z.literal('classify'),
    ...Proof,
    label: z.string(),
    /** Words of the document that speak for it; null when what the model quoted does not stand there. */
    quote: z.string().nullable(),
    supported: z.boolean(),
  }),
  z.object({
    task: z.literal('extract'),
    ...Proof,
    data: z.record(z.string(), z.unknown()),
    /** Paths of values that are the model's judgement (of a list, or yes or no) and stand nowhere word for word. */
    judged: z.array(z.string()),
    cut: z.array(z.string()),
  }),
  z.object({ task: z.literal('faq'), ...Proof, pairs: z.array(Cited.extend({ question: z.string() })), cut: z.array(Cut) }),
  z.object({
    task: z.literal('contextualise'),
    ...Proof,
    contexts: z.array(z.object({ chunkId: z.string(), position: z.int(), start: z.int(), end: z.int(), context: z.string() })),
    cut: z.array(Cut),
  }),
])
export type DigestResult = z.infer<typeof DigestResult>
