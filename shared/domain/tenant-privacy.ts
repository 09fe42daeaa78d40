import * as z from 'zod'

/** Personal data that merely narrows down who somebody is, and is often what the question is about: readable unless asked for. */
export const READABLE_KINDS = ['place', 'organisation', 'date', 'title', 'age', 'nationality', 'web-address'] as const

/** What a tenant's messages hide from models, logs and lists; what identifies or reaches a person is always masked. */
export const TenantPrivacy = z
  .strictObject({
    alsoMask: z.array(z.enum(READABLE_KINDS)).max(READABLE_KINDS.length).default([]),
    /**
     * Products of yours that are called like people ("Iris"): readable, because a question without its product finds nothing. A
     * requester's own name is masked all the same.
     */
    notNames: z.array(z.string().min(2).max(60)).max(500).default([]),
    /**
     * Account, customer or order numbers to mask, by their shape: `#` stands for a digit, `@` for a letter, everything else for
     * itself, e.g. `LK-######`. Not regular expressions: a shape takes the time of the text, whoever wrote it.
     */
    identifiers: z
      .array(
        z
          .string()
          .min(4)
          .max(40)
          .refine((shape) => (shape.match(/[#@]/g)?.length ?? 0) >= 3, 'must hold at least three # (digits) or @ (letters)')
          .refine((shape) => !/\s/.test(shape), 'must not hold blanks'),
      )
      .max(20)
      .default([]),
  })
  .prefault({})
export type TenantPrivacy = z.infer<typeof TenantPrivacy>
