import { Readable } from 'node:stream'
import type { DocumentSet, DocumentSetStore } from '#shared/ports/document-set-store.ts'

const PAGE = 200

/** A page of results is in memory at a time, however many there are; a client that reads slowly is waited for. */
export function resultLines({ tenantId, id }: DocumentSet, sets: Pick<DocumentSetStore, 'items'>): Readable {
  async function* lines() {
    for (let after = -1; ; ) {
      const items = await sets.items(tenantId, id, { after, limit: PAGE, only: 'ended' })
      for (const item of items) yield `${JSON.stringify(item)}\n`
      if (items.length < PAGE) return
      after = items.at(-1)!.position
    }
  }
  return Readable.from(lines())
}
