import { hash } from 'node:crypto'
import multipart from '@fastify/multipart'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { DocumentType, UploadFields } from '#shared/domain/document.ts'
import type { UploadedDocument } from './accept-document.ts'
import type { App } from './app.ts'
import { uploadSlots } from './bulk.ts'
import type { ApiLimits } from './deps.ts'
import { fieldErrors, invalid, Problem } from './problem.ts'

/** Fields whose value is JSON. */
const JSON_FIELDS = new Set(['metadata', 'chunking'])
const MAX_FIELD_BYTES = 64_000
/** Types that say nothing, which programs send for want of a better one. */
const NO_TYPE = new Set(['application/octet-stream', 'binary/octet-stream', ''])
/** Other names of types we read. */
const ALIASES: Readonly<Record<string, string>> = { 'text/x-markdown': 'text/markdown', 'application/xhtml+xml': 'text/html' }

/** A multipart body once it is read; its bytes stand as their hash where a body is compared with another. */
export class Upload {
  readonly document: UploadedDocument
  constructor(document: UploadedDocument) {
    this.document = document
  }
  toJSON(): unknown {
    const { file, ...fields } = this.document
    return { ...fields, file: { name: file.name, sha256: hash('sha256', file.bytes, 'hex') } }
  }
}

/**
 * Lets the routes of this scope take `multipart/form-data`: one file and fields. The file is read as a stream and given up at its
 * limit, so that a body of any size takes no more memory than that.
 */
export async function takeUploads(app: App, limits: ApiLimits): Promise<void> {
  await app.register(multipart, {
    throwFileSizeLimit: false,
    limits: {
      fileSize: limits.maxUploadBytes + 1,
      files: 1,
      fields: 20,
      parts: 25,
      fieldSize: MAX_FIELD_BYTES,
      headerPairs: 100,
    },
  })
  const inSlot = uploadSlots(limits.maxUploads)
  app.addHook('preValidation', async (request, reply) => {
    if (request.isMultipart()) request.body = await inSlot(() => readUpload(request, reply, limits.maxUploadBytes))
  })
}

async function readUpload(request: FastifyRequest, reply: FastifyReply, maxBytes: number): Promise<Upload> {
  try {
    // Fields and file parts have some bytes of their own.
    if (Number(request.headers['content-length'] ?? 0) > maxBytes + 1_048_576) throw tooLarge(maxBytes)
    return await readParts(request, maxBytes)
  } catch (error) {
    // What is left of the body is not read, so the connection can serve nobody else.
    reply.header('connection', 'close')
    if (error instanceof Problem) throw error
    throw new Problem(400, 'malformed-body', 'the multipart body cannot be read, or holds more than one file and its fields')
  }
}

const tooLarge = (maxBytes: number) =>
  new Problem(413, 'body-too-large', `a file may hold ${Math.floor(maxBytes / 1_048_576)} MB`)

async function readParts(request: FastifyRequest, maxBytes: number): Promise<Upload> {
  const fields: Record<string, unknown> = {}
  let file: (UploadedDocument['file'] & { readonly type: string }) | undefined
  for await (const part of request.parts()) {
    if (part.type === 'file') {
      const bytes = await bytesOf(part.file, maxBytes)
      file = { bytes, type: part.mimetype.toLowerCase(), ...(part.filename ? { name: part.filename } : {}) }
    } else if (part.valueTruncated) throw invalid([{ field: part.fieldname, message: `may hold ${MAX_FIELD_BYTES} bytes` }])
    else if (part.fieldname in fields) throw invalid([{ field: part.fieldname, message: 'is given twice' }])
    else fields[part.fieldname] = fieldValue(part.fieldname, part.value)
  }
  if (!file) throw invalid([{ field: 'file', message: 'is needed: a part with a file name' }])
  const parsed = UploadFields.safeParse(withType(fields, file.type))
  if (!parsed.success) throw invalid(fieldErrors(parsed.error.issues))
  const { type: _, ...kept } = file
  return new Upload({ ...parsed.data, file: kept })
}

/** Stops at the limit; the plugin's own way would read on to the end of whatever comes. */
async function bytesOf(stream: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

function fieldValue(name: string, value: unknown): unknown {
  if (!JSON_FIELDS.has(name) || typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    throw invalid([{ field: name, message: 'must be JSON' }])
  }
}

/** The field says more than the part's own type, which programs guess. `text/plain` is such a guess for Markdown: its name decides. */
function withType(fields: Record<string, unknown>, partType: string): Record<string, unknown> {
  const type = Object.hasOwn(ALIASES, partType) ? ALIASES[partType]! : partType
  if (fields.contentType !== undefined || NO_TYPE.has(type) || type === 'text/plain') return fields
  if (!DocumentType.safeParse(type).success) {
    const message = `${type.slice(0, 60)} cannot be read; these can: ${DocumentType.options.join(', ')}`
    throw new Problem(415, 'document-type-unsupported', message, { errors: [{ field: 'contentType', message }] })
  }
  return { ...fields, contentType: type }
}
