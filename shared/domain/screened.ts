import * as z from 'zod'

/** A stretch of personal data that was replaced; `token` stands in the masked text in its place, e.g. `[EMAIL_1]`. */
export const Placeholder = z.object({ token: z.string(), type: z.string(), value: z.string() })
export type Placeholder = z.infer<typeof Placeholder>

/** Written by `screen`. `text` and `subject` are normalised and masked: this is what models, caches, logs and people's lists see. */
export const Screened = z.object({
  subject: z.string(),
  text: z.string(),
  /** ISO 639-1, or `und` when it could not be told. */
  language: z.string(),
  languageConfidence: z.number().min(0).max(1),
  placeholders: z.array(Placeholder),
  injection: z.object({ score: z.number().min(0).max(1), rules: z.array(z.string()) }),
  /**
   * What the input guard made of it; absent in runs from before there was one. `suspicious` is answered, but with tools and memory off: it neither reads nor fills the cache,
   * gets no history, and teaches nothing. `blocked` goes to a person.
   */
  guard: z.enum(['clean', 'suspicious', 'blocked']).optional(),
  /** Why it was blocked; empty when it is clean. */
  reasons: z.array(z.string()),
  truncated: z.boolean(),
})
export type Screened = z.infer<typeof Screened>
