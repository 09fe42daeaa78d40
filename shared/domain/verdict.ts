import * as z from 'zod'

/** One checkable sentence of a draft and what its sources say about it. */
export const Claim = z.object({
  text: z.string(),
  supported: z.boolean(),
  /** 0..1: how much of the claim its best evidence covers. */
  score: z.number().min(0).max(1),
  /** 0..1: how likely its sources carry it, by what people judged; ranks claims for reviewers, decides nothing by itself. */
  support: z.number().min(0).max(1).optional(),
  /** What a model said when it was asked whether the sources entail the claim. */
  entailment: z.enum(['entailed', 'contradicted', 'not-stated']).optional(),
  /** Passage numbers the claim cites and that exist. */
  citations: z.array(z.int().positive()),
  /** The stretch of a passage that supports it best; offsets are characters within that passage's text. */
  evidence: z.object({ n: z.int().positive(), start: z.int(), end: z.int(), text: z.string() }).optional(),
  /** Empty when supported; else what is wrong, readable by a reviewer and by the model that repairs it. */
  reason: z.string(),
  /** Greetings and offers to help claim nothing and need no source. */
  kind: z.enum(['claim', 'courtesy']),
})
export type Claim = z.infer<typeof Claim>

/** Written by `verify`: the claim ledger and the decision taken on it. */
export const Verdict = z.object({
  decision: z.enum(['deliver', 'repair', 'escalate']),
  claims: z.array(Claim),
  /** Indexes of claims that were cut from the answer. */
  cut: z.array(z.int().nonnegative()),
  outputChecks: z.array(z.object({ check: z.string(), passed: z.boolean(), detail: z.string() })),
  confidence: z.number().min(0).max(1),
  reasons: z.array(z.string()),
})
export type Verdict = z.infer<typeof Verdict>
