import type { CacheEvidence, CacheObservation } from '#shared/ports/cache-evidence.ts'

/** Documents are what a test says there are; by default those of the sample answer, indexed. */
export function memoryCacheEvidence(documents = new Map([['kb-1', { contentHash: 'hash-1', settled: true }]])): CacheEvidence & {
  readonly documents: typeof documents
  readonly observed: CacheObservation[]
} {
  const observed: CacheObservation[] = []
  return {
    documents,
    observed,
    async sources(_tenantId, documentIds) {
      return documentIds.flatMap((documentId) => {
        const document = documents.get(documentId)
        return document ? [{ documentId, ...document }] : []
      })
    },
    async observe(observation) {
      if (!observed.some(({ id }) => id === observation.id)) observed.push(observation)
    },
    async observations(tenantId, similarityId, limit) {
      return observed
        .filter((one) => one.tenantId === tenantId && one.similarityId === similarityId)
        .slice(-limit)
        .reverse()
    },
  }
}
