import * as z from 'zod'

/** What a tenant's good replies look like, for the drafting model. `answer` has `[n]` behind sentences, counting `passages`. */
export const AnswerExample = z.strictObject({
  question: z.string().min(1).max(1_000),
  /** Without one, the right reply to this question is none: the passages do not answer it. */
  answer: z.string().min(1).max(2_000).optional(),
  passages: z.array(z.string().min(1).max(1_000)).max(5).default([]),
})
export type AnswerExample = z.infer<typeof AnswerExample>

export const TenantAnswerExamples = z
  .strictObject({
    /** In one prompt, the refusal included; 0 switches examples off. */
    atMost: z.int().min(0).max(5).default(3),
    /** Also replies of people that were rated up. */
    learn: z.boolean().default(true),
    bank: z.array(AnswerExample).max(500).default([]),
  })
  .prefault({})
