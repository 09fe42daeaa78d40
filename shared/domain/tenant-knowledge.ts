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
  })
  .prefault({})
