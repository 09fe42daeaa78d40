import * as z from 'zod'
import { ChunkingChoice } from './chunking.ts'
import { wellFormed } from './ticket.ts'

const text = (max: number) => z.string().max(max).refine(wellFormed, 'must be well-formed Unicode without NUL characters')

/** Who may be given a passage: everybody, or customers of this kind only. */
export const Audience = z.enum(['public', 'standard', 'enterprise', 'internal'])
export type Audience = z.infer<typeof Audience>

export const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
export const DocumentType = z.enum(['text/markdown', 'text/plain', 'text/html', 'application/pdf', DOCX])
export type DocumentType = z.infer<typeof DocumentType>

/** What a producer may say about a document, however its content comes. */
const About = z.strictObject({
  id: text(200)
    .regex(/^[A-Za-z0-9_.:-]+$/, 'may hold letters, digits and _ . : - only')
    .optional(),
  title: text(500).optional(),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional(),
  product: text(200).optional(),
  audience: Audience.default('public'),
  language: z
    .string()
    .regex(/^[a-z]{2,3}$/)
    .optional(),
  modifiedAt: z.iso.datetime({ offset: true }).optional(),
  metadata: z.record(text(100), z.union([text(1_000), z.number(), z.boolean(), z.null()])).optional(),
  chunking: ChunkingChoice.optional(),
})

/** What a producer sends to `POST /v1/documents`: the content as `text`, or as `base64` for formats that are not text. */
export const DocumentInput = z
  .strictObject({
    ...About.shape,
    text: text(5_000_000)
      .refine((body) => body.trim().length > 0, 'must not be empty')
      .optional(),
    base64: z.base64().min(4).max(12_000_000).optional(),
    /** Looked at in the content itself where it is left out; Markdown for text that is nothing else. */
    contentType: DocumentType.optional(),
  })
  .refine(({ text: body, base64 }) => (body === undefined) !== (base64 === undefined), {
    path: ['text'],
    message: 'is needed, or base64, and not both',
  })
export type DocumentInput = z.infer<typeof DocumentInput>

/** The fields of a multipart upload beside its file. */
export const UploadFields = z.strictObject({ ...About.shape, contentType: DocumentType.optional() })
export type UploadFields = z.infer<typeof UploadFields>

export const SourceDocument = z.object({
  id: z.string(),
  tenantId: z.string(),
  title: z.string(),
  /** Empty for a document that came as bytes: `parse` reads those and keeps what it found beside them. */
  text: z.string(),
  contentType: z.string(),
  url: z.string().optional(),
  product: z.string().optional(),
  audience: Audience,
  language: z.string().optional(),
  modifiedAt: z.string().optional(),
  chunking: ChunkingChoice.optional(),
  /** SHA-256 of everything that is indexed: the same hash means nothing to do. */
  contentHash: z.string(),
})
export type SourceDocument = z.infer<typeof SourceDocument>

/** `queued` is never a resting place: every document ends indexed, failed (with a code and a reason) or deleted. */
export const DocumentState = z.enum(['queued', 'indexing', 'indexed', 'failed'])
export type DocumentState = z.infer<typeof DocumentState>

/** A stretch of a document as it is indexed. */
export const Chunk = z.object({
  id: z.string(),
  documentId: z.string(),
  /** The document's contentHash: chunks of one version are served together or not at all. */
  version: z.string(),
  position: z.int().nonnegative(),
  title: z.string(),
  section: z.array(z.string()),
  text: z.string(),
  start: z.int().nonnegative(),
  end: z.int().nonnegative(),
  tokens: z.int().nonnegative(),
  /** Of the original, from 1, on which the chunk begins; only where there are pages. */
  page: z.int().positive().optional(),
  /** Written by a model where the tenant wants it: where the chunk stands in its document. Searched, never shown or cited. */
  context: z.string().optional(),
  url: z.string().optional(),
  product: z.string().optional(),
  audience: Audience,
  language: z.string().optional(),
  modifiedAt: z.string().optional(),
})
export type Chunk = z.infer<typeof Chunk>
