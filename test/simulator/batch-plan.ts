import * as z from 'zod'

const Share = z.number().min(0).max(1)
/** How batches of the simulator fare; all of it may be changed while it runs. */
export const BatchPlan = z.strictObject({
  /** Of each batch. */
  requestsPerSecond: z.number().positive().default(Number.POSITIVE_INFINITY),
  validatingMs: z.number().nonnegative().default(0),
  finalizingMs: z.number().nonnegative().default(0),
  /** Of the requests; which ones depends on the seed and their text alone. */
  itemErrors: Share.default(0),
  refusals: Share.default(0),
  wrongShapes: Share.default(0),
  /** Numbers (from 0) of accepted batches that expire half-way, and of created ones that are rejected. */
  expire: z.array(z.int()).default([]),
  reject: z.array(z.int()).default([]),
  /** The lines (from 1) that a rejection names. */
  rejectedLines: z.array(z.int()).default([]),
  shuffle: z.boolean().default(true),
  /** Lines that come twice, that are cut, and that name nobody, per result file. */
  repeatedLines: z.int().nonnegative().default(0),
  cutLines: z.int().nonnegative().default(0),
  unknownLines: z.int().nonnegative().default(0),
  /** By how much the provider's clock is ahead. */
  clockAheadMs: z.number().default(0),
  /** Told of every batch that ends, signed as Standard Webhooks have it. */
  webhook: z.strictObject({ url: z.string(), secret: z.string() }).optional(),
})
export type BatchPlan = z.infer<typeof BatchPlan>
