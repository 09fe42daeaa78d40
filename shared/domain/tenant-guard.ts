import * as z from 'zod'

/** From which scores of the guard on a text is distrusted; `policies.blockInjectionAt` says from where on a message goes to a person. */
export const TenantGuard = z
  .strictObject({
    /** A message from here on is answered, but without tools, memory and cache. */
    suspectMessageAt: z.number().min(0).max(1).default(0.5),
    /** A sentence of a retrieved passage from here on is withheld from the prompt. */
    withholdSentenceAt: z.number().min(0).max(1).default(0.7),
    /** A chunk with a sentence from here on is not indexed. */
    quarantineChunkAt: z.number().min(0).max(1).default(0.95),
  })
  .prefault({})
