import * as z from 'zod'

/** A retrieved stretch of a document, as given to the model. `n` is its number in the prompt and in `[n]` of the answer. */
export const Passage = z.object({
  n: z.int().positive(),
  chunkId: z.string(),
  documentId: z.string(),
  title: z.string(),
  url: z.string().optional(),
  /** Headings from the top of the document to this passage. */
  section: z.array(z.string()),
  /** Number of the passage beside which it stands in its section; it was not found, but belongs to what was. */
  neighbourOf: z.int().positive().optional(),
  text: z.string(),
  /** Character offsets of `text` in the document's text. */
  start: z.int().nonnegative(),
  end: z.int().nonnegative(),
  scores: z.object({
    dense: z.number().optional(),
    sparse: z.number().optional(),
    fused: z.number(),
    rerank: z.number().optional(),
  }),
})
export type Passage = z.infer<typeof Passage>

/** Written by `retrieve`. */
export const Passages = z.object({
  passages: z.array(Passage),
  /** 0..1: how well the best passages cover the question; what `nothing` and the extractive model decide on. */
  evidence: z.number().min(0).max(1),
  /** True when one leg of the search did not answer in time and the other one served alone. */
  degraded: z.boolean(),
  knowledgeVersion: z.string(),
})
export type Passages = z.infer<typeof Passages>
