import * as z from 'zod'
import { Audience, DocumentInput } from './document.ts'
import { ExtractSchema } from './extract-schema.ts'
import { Failure } from './failure.ts'
import { Lane, wellFormed } from './ticket.ts'

export const MAX_SENT_DOCUMENTS = 10_000
export const MAX_SELECTED_DOCUMENTS = 20_000

const text = (max: number) => z.string().max(max).refine(wellFormed, 'must be well-formed Unicode without NUL characters')
const label = text(100).refine((value) => value.trim() !== '', 'must not be empty')
const instructions = text(2_000).optional().describe('what the model is to mind, in your own words')

const folded = (value: string) => value.trim().toLowerCase()
const Labels = z
  .array(label)
  .min(2)
  .max(100)
  .superRefine((labels, context) => {
    const seen = new Set<string>()
    for (const [i, value] of labels.entries()) {
      if (seen.has(folded(value))) context.addIssue({ code: 'custom', path: [i], message: `repeats the label "${value}"` })
      seen.add(folded(value))
    }
  })

const Summarise = z.strictObject({ task: z.literal('summarise'), instructions, maxSentences: z.int().min(1).max(20).default(5) })
const Classify = z.strictObject({ task: z.literal('classify'), instructions, labels: Labels })
const Extract = z.strictObject({ task: z.literal('extract'), instructions, schema: ExtractSchema })
const Faq = z.strictObject({
  task: z.literal('faq'),
  instructions,
  maxPairs: z.int().min(1).max(30).default(8),
  index: z.boolean().default(false).describe('take the pairs in as documents, so that answers can cite them'),
})
const Contextualise = z.strictObject({ task: z.literal('contextualise') })

/** What is to be done with every document of a set. */
export const DigestSettings = z.discriminatedUnion('task', [Summarise, Classify, Extract, Faq, Contextualise])
export type DigestSettings = z.infer<typeof DigestSettings>
export const DIGEST_TASKS = ['summarise', 'classify', 'extract', 'faq', 'contextualise'] as const

/** A moment that a database holds, which the year 0 is not, nor one past 9999 once its offset is taken. */
const Moment = z.iso
  .datetime({ offset: true })
  .refine((at) => Date.parse(at) >= 0 && Date.parse(at) < 253_402_300_800_000, 'must lie between the years 1970 and 9999')

/** Which indexed documents belong to a set. */
export const DocumentQuery = z.strictObject({
  product: text(200).optional(),
  audience: Audience.optional(),
  language: z
    .string()
    .regex(/^[a-z]{2,3}$/)
    .optional(),
  idPrefix: text(200).optional(),
  changedSince: Moment.optional(),
})
export type DocumentQuery = z.infer<typeof DocumentQuery>
/** A schedule may also ask for what changed since it last ran. */
export const ScheduledQuery = DocumentQuery.extend({
  changedSince: z.union([z.literal('last-run'), Moment]).optional(),
})
export type ScheduledQuery = z.infer<typeof ScheduledQuery>

const DocumentId = text(200).regex(/^[A-Za-z0-9_.:-]+$/, 'may hold letters, digits and _ . : - only')
/** An indexed document by its id, or a document that comes along and is not indexed. */
export const SetDocument = z.union([DocumentId.min(1), z.strictObject({ documentId: DocumentId.min(1) }), DocumentInput])
export type SetDocument = z.infer<typeof SetDocument>

export const SetLane = Lane.extract(['standard', 'offline'])

const About = {
  name: text(200).min(1),
  lane: SetLane.default('offline'),
  callbackUrl: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional(),
  metadata: z
    .record(text(100), z.union([text(1_000), z.number(), z.boolean(), z.null()]))
    .refine((all) => Object.keys(all).length <= 50, 'holds more than 50 entries')
    .optional(),
}
const Which = {
  documents: z.array(SetDocument).min(1).max(MAX_SENT_DOCUMENTS).optional(),
  query: DocumentQuery.optional(),
}
const onlyOne = ({ documents, query }: { documents?: unknown; query?: unknown }) =>
  (documents === undefined) !== (query === undefined)

/** What a producer sends to `POST /v1/document-sets`. */
export const DocumentSetInput = z
  .discriminatedUnion('task', [
    Summarise.extend({ ...About, ...Which }),
    Classify.extend({ ...About, ...Which }),
    Extract.extend({ ...About, ...Which }),
    Faq.extend({ ...About, ...Which }),
    Contextualise.extend({ ...About, ...Which }),
  ])
  .refine(onlyOne, { path: ['documents'], message: 'are needed, or a query, and not both' })
export type DocumentSetInput = z.infer<typeof DocumentSetInput>

const When = {
  cron: text(100).min(1).describe('five fields: minute, hour, day of month, month, day of week'),
  timeZone: text(60).min(1).default('UTC'),
  query: ScheduledQuery.prefault({}),
}
/** What a producer sends to `POST /v1/document-sets/schedules`. */
export const ScheduleInput = z.discriminatedUnion('task', [
  Summarise.extend({ ...About, ...When }),
  Classify.extend({ ...About, ...When }),
  Extract.extend({ ...About, ...When }),
  Faq.extend({ ...About, ...When }),
  Contextualise.extend({ ...About, ...When }),
])
export type ScheduleInput = z.infer<typeof ScheduleInput>

/** What a set is, beside its documents. */
export const SetOrder = z.object({
  name: z.string(),
  settings: DigestSettings,
  lane: SetLane,
  callbackUrl: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
})
export type SetOrder = z.infer<typeof SetOrder>

/** The order in what was sent: settings by themselves, without what belongs to the request. */
export function orderOf({ name, lane, callbackUrl, metadata, ...rest }: DocumentSetInput | ScheduleInput): SetOrder {
  const settings = Object.fromEntries(Object.entries(rest).filter(([key]) => !(key in Which || key in When)))
  return {
    name,
    lane,
    settings: DigestSettings.parse(settings),
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
    ...(metadata === undefined ? {} : { metadata }),
  }
}

/** `completed` also when documents failed: each of them says why. */
export const SetState = z.enum(['running', 'cancelling', 'completed', 'cancelled'])
export type SetState = z.infer<typeof SetState>

export const SetProgress = z.object({
  done: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  /** Of the others: those that wait for a provider batch. */
  parked: z.int(),
  total: z.int(),
})
export type SetProgress = z.infer<typeof SetProgress>

export const ItemFailure = Failure.pick({ code: true }).extend({ reason: z.string() })
export type ItemFailure = z.infer<typeof ItemFailure>

const FEW = 5
/** When a set will be done, if it goes on as it went; undefined before there is anything to go by. */
export function expectedEnd(createdAt: Date, { done, failed, cancelled, total }: SetProgress, now: Date): Date | undefined {
  const ended = done + failed + cancelled
  const elapsedMs = now.getTime() - createdAt.getTime()
  if (ended < Math.min(FEW, total) || ended === 0 || ended >= total || elapsedMs <= 0) return undefined
  return new Date(now.getTime() + ((total - ended) * elapsedMs) / ended)
}
