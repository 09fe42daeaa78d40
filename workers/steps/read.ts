import type { DocumentInput, SourceDocument } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { DigestItem } from '#shared/ports/document-set-store.ts'
import { lookOf, looksLikeHtml, settleType } from '#shared/text/document-type.ts'
import { itemOf, rejectItem } from '#workers/logic/digest-item.ts'
import { digestChunks, MAX_CHARACTERS, MAX_PARTS, partsOf } from '#workers/logic/digest-parts.ts'
import { textOf } from '#workers/logic/document-text.ts'
import type { Deps, Step, StepContext } from '#workers/step.ts'

type Doors = Pick<Deps, 'digestItems' | 'documents' | 'extractor'>
type Unfit = { readonly code: string; readonly reason: string }
type Found = { readonly parsed: ParsedDocument; readonly contentHash: string | null }

/** Gets hold of the document's text, as it is now: one that is indexed was read before, one that came along is read here. */
export const read: Step<'digest-document', 'read', keyof Doors> = async (_facts, doors, context) => {
  const item = await itemOf(doors.digestItems, context)
  const found = await sourceOf(item, doors, context)
  if ('code' in found) return rejectItem(doors.digestItems, found, context)
  const { parsed, contentHash } = found
  if (parsed.text.trim() === '')
    return rejectItem(doors.digestItems, { code: 'document-empty', reason: 'there is no text in the document' }, context)
  const fits = parsed.text.length <= MAX_CHARACTERS
  const parts = fits ? partsOf(digestChunks(context.subjectId, parsed, context.tenant)).length : MAX_PARTS + 1
  const unfit = sizeProblem(parts)
  if (unfit) return rejectItem(doors.digestItems, unfit, context)
  await doors.digestItems.saveParsed(context.tenant.id, context.runId, parsed, contentHash)
  return { outcome: 'parsed', facts: { document: { characters: parsed.text.length, parts } } }
}

function sizeProblem(parts: number): Unfit | undefined {
  if (parts === 0)
    return { code: 'document-empty', reason: 'there is nothing but headings (or hidden instructions) in the document' }
  if (parts <= MAX_PARTS) return undefined
  return { code: 'document-too-long', reason: `it would take more than ${MAX_PARTS} calls to read the document` }
}

async function sourceOf(item: DigestItem, doors: Doors, context: StepContext): Promise<Found | Unfit> {
  if (item.inline) return fromInline(item.inline, doors, context)
  const { documents } = doors
  const document = await documents.get(context.tenant.id, item.documentId ?? '')
  if (!document) return { code: 'unknown-document', reason: 'there is no such document' }
  const { contentHash } = document
  const known = await documents.parsedOf(context.tenant.id, document.id, contentHash)
  if (known) return { parsed: known, contentHash }
  const original = await documents.originalOf(context.tenant.id, document.id, contentHash)
  return parsedOrUnfit(await textOf(document, original, doors.extractor, context.signal), contentHash)
}

async function fromInline(
  input: DocumentInput,
  doors: Doors,
  { subjectId, tenant, signal }: StepContext,
): Promise<Found | Unfit> {
  const bytes = input.base64 === undefined ? undefined : Buffer.from(input.base64, 'base64')
  const look = bytes ? lookOf(bytes) : looksLikeHtml(input.text ?? '') ? 'text/html' : 'text'
  const settled = settleType(look, input.contentType)
  if (!('type' in settled)) return { code: settled.code, reason: settled.reason }
  const { title = '', text = '', url, product, audience, language, modifiedAt } = input
  const source: SourceDocument = {
    id: subjectId,
    tenantId: tenant.id,
    title,
    text,
    contentType: settled.type,
    audience,
    contentHash: '',
    ...(url === undefined ? {} : { url }),
    ...(product === undefined ? {} : { product }),
    ...(language === undefined ? {} : { language }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
  }
  return parsedOrUnfit(await textOf(source, bytes, doors.extractor, signal), null)
}

const parsedOrUnfit = (parsed: ParsedDocument | Unfit, contentHash: string | null): Found | Unfit =>
  'code' in parsed ? parsed : { parsed, contentHash }
