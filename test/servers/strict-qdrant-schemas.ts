import * as z from 'zod'

/**
 * What Qdrant's published API (OpenAPI 1.19) takes of the few requests that our adapter sends. Everything is closed: a field
 * that is not listed here is refused, also where the real server would overlook it.
 */
const Scalar = z.union([z.string(), z.int(), z.boolean()])
const Match = z.union([z.strictObject({ value: Scalar }), z.strictObject({ any: z.array(z.union([z.string(), z.int()])) })])
const Range = z
  .strictObject({ lt: z.number(), lte: z.number(), gt: z.number(), gte: z.number() })
  .partial()
  .refine((range) => Object.keys(range).length > 0, 'an empty range')
const FieldCondition = z
  .strictObject({ key: z.string().min(1), match: Match.optional(), range: Range.optional() })
  .refine(({ match, range }) => (match === undefined) !== (range === undefined), 'exactly one of match and range')

export type Condition = z.infer<typeof FieldCondition> | Filter
export type Filter = { must?: Condition[] | undefined; must_not?: Condition[] | undefined; should?: Condition[] | undefined }

const clause = (): z.ZodType<Condition[] | undefined> => z.array(z.lazy(() => Condition)).optional()
export const Filter: z.ZodType<Filter> = z.lazy(() =>
  z
    .strictObject({ must: clause(), must_not: clause(), should: clause() })
    .refine((filter) => Object.keys(filter).length > 0, 'an empty filter'),
)
const Condition: z.ZodType<Condition> = z.union([FieldCondition, Filter])

export const CreateCollection = z.strictObject({
  vectors: z.strictObject({
    size: z.int().min(1).max(65_536),
    distance: z.enum(['Cosine', 'Euclid', 'Dot', 'Manhattan']),
  }),
  hnsw_config: z
    .strictObject({ m: z.int().min(0), payload_m: z.int().min(0), ef_construct: z.int().min(4) })
    .partial()
    .optional(),
  on_disk_payload: z.boolean().optional(),
})

export const FieldIndex = z.strictObject({
  field_name: z.string().min(1),
  field_schema: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('keyword'), is_tenant: z.boolean().optional(), enable_hnsw: z.boolean().optional() }),
    z.strictObject({
      type: z.literal('integer'),
      lookup: z.boolean().optional(),
      range: z.boolean().optional(),
      enable_hnsw: z.boolean().optional(),
    }),
  ]),
})
export type FieldIndex = z.infer<typeof FieldIndex>

export const Payload = z.record(z.string(), z.unknown())
export const Point = z.strictObject({
  id: z.union([z.uuid(), z.int().nonnegative()]),
  vector: z.array(z.number()),
  payload: Payload.optional(),
})
export type Point = z.infer<typeof Point>

const WithPayload = z.union([z.boolean(), z.array(z.string())]).optional()
export const UpsertPoints = z.strictObject({ points: z.array(Point).min(1) })
export const DeletePoints = z.strictObject({ filter: Filter })
export const SetPayload = z.strictObject({ payload: Payload, filter: Filter })
export const DeletePayload = z.strictObject({ keys: z.array(z.string()).min(1), filter: Filter })
export const BatchUpdate = z.strictObject({
  operations: z.array(z.union([z.strictObject({ set_payload: SetPayload }), z.strictObject({ delete: DeletePoints })])),
})
export const QueryPoints = z.strictObject({
  query: z.array(z.number()),
  filter: Filter.optional(),
  limit: z.int().min(1).optional(),
  with_payload: WithPayload,
  with_vector: z.boolean().optional(),
})
export const CountPoints = z.strictObject({ filter: Filter.optional(), exact: z.boolean().optional() })
export const ScrollPoints = z.strictObject({
  filter: Filter.optional(),
  limit: z.int().min(1).optional(),
  order_by: z.strictObject({ key: z.string(), direction: z.enum(['asc', 'desc']).optional() }).optional(),
  with_payload: WithPayload,
  with_vector: z.boolean().optional(),
})

export const WriteQuery = z.strictObject({
  wait: z.enum(['true', 'false']).optional(),
  ordering: z.enum(['weak', 'medium', 'strong']).optional(),
  timeout: z.coerce.number().int().min(1).optional(),
})
export const ReadQuery = z.strictObject({ timeout: z.coerce.number().int().min(1).optional() })
