import type { DocumentInput } from '#shared/domain/document.ts'
import type { SetDocument, SetOrder } from '#shared/domain/document-set.ts'
import { derivedId } from '#shared/domain/id.ts'
import { beginRun } from './advance.ts'
import { digestDocument } from './digest-document.ts'

/** A document as it goes into a set: an indexed one by id, or one that came along. */
export type Member = { readonly documentId: string; readonly contentHash?: string } | { readonly inline: DocumentInput }

export type SetDraft = {
  readonly id: string
  readonly tenantId: string
  readonly order: SetOrder
  readonly scheduleId: string | null
  readonly traceId: string
  readonly createdAt: Date
}

/** The set with a run for each of its documents, ready to be stored. All ids follow from the set's: the same set again is the same. */
export function newDocumentSet(set: SetDraft, members: readonly Member[]) {
  const { traceId, ...rest } = set
  return { ...rest, items: members.map((member, position) => newItem(set, traceId, member, position)) }
}

function newItem({ id, tenantId, order, createdAt }: SetDraft, traceId: string, member: Member, position: number) {
  const inline = 'inline' in member ? member.inline : null
  const documentId = 'inline' in member ? null : member.documentId
  const contentHash = 'inline' in member ? null : (member.contentHash ?? null)
  const run = {
    id: derivedId('run', id, String(position)),
    tenantId,
    pipeline: digestDocument.name,
    version: digestDocument.version,
    subjectId: documentId ?? inline?.id ?? `${id}:${position}`,
    traceId,
    state: beginRun(digestDocument, order.lane, createdAt),
    given: { [digestDocument.given]: { setId: id, position } },
    createdAt,
    // A set of thousands must not flood the queues: the feeder lets its runs go as there is room.
    held: true,
  }
  return { position, documentId, contentHash, title: inline?.title ?? '', inline, run }
}

/** As they were sent; one that is named twice is digested once. */
export function membersOf(documents: readonly SetDocument[]): Member[] {
  const named = new Set<string>()
  return documents.flatMap((document): Member[] => {
    if (typeof document === 'object' && !('documentId' in document)) return [{ inline: document }]
    const documentId = typeof document === 'string' ? document : document.documentId
    if (named.has(documentId)) return []
    named.add(documentId)
    return [{ documentId }]
  })
}
