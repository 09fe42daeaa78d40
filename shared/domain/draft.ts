import * as z from 'zod'
import { Routing } from './routing.ts'

export const DraftSentence = z.object({
  text: z.string().min(1),
  /** Numbers of passages that support it. */
  citations: z.array(z.int().positive()),
})
export type DraftSentence = z.infer<typeof DraftSentence>

/** What a model is asked for, and what every model's reply is parsed with. */
export const ModelDraft = z.object({
  answerable: z.boolean(),
  sentences: z.array(DraftSentence).max(60),
  followUps: z.array(z.string()).max(5),
})
export type ModelDraft = z.infer<typeof ModelDraft>

/** Written by `generate`: not an answer yet, for nothing in it has been checked. */
export const Draft = ModelDraft.extend({
  model: z.string(),
  /** `extractive` quotes the sources; a person must be able to tell it from a model's own words. */
  by: z.enum(['model', 'extractive']),
  /** Why it was never finished, for the person who takes over; absent on drafts that are what a model made of the sources. */
  withheld: z.string().optional(),
  /** What followers were shown of it while it was being written, as the answer would hold it; absent when nobody knows. */
  released: z.string().optional(),
  prompt: z.object({ id: z.string(), version: z.int(), hash: z.string() }),
  /** Absent on drafts of older versions. */
  routing: Routing.optional(),
})
export type Draft = z.infer<typeof Draft>
