import * as z from 'zod'
import { ChunkingChoice } from './chunking.ts'

/** How a tenant's documents become passages. */
export const TenantKnowledge = z
  .strictObject({
    /** For documents that do not say themselves. */
    chunking: ChunkingChoice.prefault({}),
    /**
     * One model-written sentence per chunk that says where it stands in its document. `standard` asks at once; `offline` lets
     * indexing wait for the provider's batch, at half the price and up to a day later.
     */
    contextSentences: z.enum(['off', 'standard', 'offline']).default('off'),
    /** Chunks on either side of each found passage that the model is given too, of the same section and within the token budget. */
    neighbours: z.int().min(0).max(2).default(1),
    /** `edges`: the best passages first and last in the prompt, where models read best; `rank`: best first. */
    passageOrder: z.enum(['edges', 'rank']).default('edges'),
    /** Groups of words that mean the same here, acronyms and what they stand for: `[["VPN", "virtual private network"]]`. */
    synonyms: z
      .array(z.array(z.string().trim().min(1).max(100)).min(2).max(10))
      .max(500)
      .default([]),
    /** Lets a model imagine an answer, whose meaning is searched for beside the question's (HyDE): one cheap call a question. */
    hypotheticalPassages: z.boolean().default(false),
  })
  .prefault({})
