import type { DigestDraft, DigestResult } from '#shared/domain/digest.ts'
import type { ItemFailure } from '#shared/domain/document-set.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { DigestItem, DigestItems } from '#shared/ports/document-set-store.ts'

type Row = {
  readonly item: DigestItem
  state: 'open' | 'done' | 'failed'
  parsed?: ParsedDocument
  draft?: DigestDraft
  result?: DigestResult
  failure?: ItemFailure | null
}

export function memoryDigestItems() {
  const rows = new Map<string, Row>()
  const open = (runId: string) => {
    const row = rows.get(runId)
    return row?.state === 'open' ? row : undefined
  }
  const items: DigestItems = {
    of: async (_tenantId, runId) => rows.get(runId)?.item,
    async saveParsed(_tenantId, runId, parsed) {
      Object.assign(open(runId) ?? {}, { parsed })
    },
    parsedOf: async (_tenantId, runId) => rows.get(runId)?.parsed,
    async saveDraft(_tenantId, runId, draft) {
      Object.assign(open(runId) ?? {}, { draft: JSON.parse(JSON.stringify(draft)) })
    },
    draftOf: async (_tenantId, runId) => rows.get(runId)?.draft,
    async saveResult(_tenantId, runId, result) {
      Object.assign(open(runId) ?? {}, { result })
    },
    resultOf: async (_tenantId, runId) => rows.get(runId)?.result,
    async settle(_tenantId, runId, failure) {
      const row = open(runId)
      if (!row) return
      row.state = failure ? 'failed' : 'done'
      row.failure = failure
      if (!failure) delete row.parsed
    },
  }
  return Object.assign(items, {
    put: (runId: string, item: DigestItem) => rows.set(runId, { item, state: 'open' }),
    row: (runId: string) => rows.get(runId)!,
  })
}
