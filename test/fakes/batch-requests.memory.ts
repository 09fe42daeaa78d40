import type { RequestState } from '#shared/domain/batch.ts'
import type { Failure } from '#shared/domain/failure.ts'
import type { BatchRequests, NewBatchRequest } from '#shared/ports/batch-store.ts'

type Row = NewBatchRequest & { state: RequestState; failure: Failure | null }

/** Requests of a process that forgets; `rows` can be moved by a test as the batch worker would. */
export function memoryBatchRequests(): BatchRequests & { readonly rows: Map<string, Row> } {
  const rows = new Map<string, Row>()
  return {
    rows,
    find: async (id) => rows.get(id),
    async ask(request) {
      if (!rows.has(request.id)) rows.set(request.id, { ...request, state: 'queued', failure: null })
      return rows.get(request.id)!
    },
    async spill(id, failure) {
      const row = rows.get(id)
      if (row) rows.set(id, { ...row, state: 'spilled', failure })
    },
  }
}
