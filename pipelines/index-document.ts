import { Chunks, DocumentVersion, Enriched, Indexed, Parsed, Unindexed, Vectors } from '#shared/domain/indexing.ts'
import { definePipeline } from './define.ts'
import { enduring, patient, quick } from './retry.ts'

/**
 * From a document to passages that can be found. Every step first sees whether this version is still the document's: a run that
 * was overtaken by a newer version ends as superseded. A run that fails for good is dead (and the document shows why) until it
 * is redriven; there is no customer to hand over to a person.
 */
export const indexDocument = definePipeline({
  name: 'index-document',
  version: 2,
  facts: {
    document: DocumentVersion,
    parsed: Parsed,
    chunks: Chunks,
    enriched: Enriched,
    vectors: Vectors,
    indexed: Indexed,
    unindexed: Unindexed,
  },
  given: 'document',
  start: 'parse',
  deadline: { interactive: '1h', standard: '1d', offline: '3d' },
  steps: {
    parse: {
      reads: ['document'],
      retry: quick,
      // Documents wait for each other's turn to be read, and one may take 45 s.
      deadline: '3m',
      on: {
        parsed: { writes: ['parsed'], to: 'chunk' },
        rejected: { writes: ['unindexed'], to: 'closed' },
        superseded: { writes: ['unindexed'], to: 'closed' },
      },
    },
    chunk: {
      reads: ['document'],
      retry: quick,
      deadline: '60s',
      on: {
        chunked: { writes: ['chunks'], to: 'enrich' },
        rejected: { writes: ['unindexed'], to: 'closed' },
        superseded: { writes: ['unindexed'], to: 'closed' },
      },
    },
    enrich: {
      reads: ['document'],
      retry: patient,
      deadline: '10m',
      on: { enriched: { writes: ['enriched'], to: 'embed' }, superseded: { writes: ['unindexed'], to: 'closed' } },
    },
    embed: {
      reads: ['document'],
      retry: enduring,
      // A large document, a batch of texts at a time; what was computed is kept.
      deadline: '10m',
      on: { embedded: { writes: ['vectors'], to: 'index' }, superseded: { writes: ['unindexed'], to: 'closed' } },
    },
    index: {
      reads: ['document'],
      retry: enduring,
      deadline: '60s',
      on: { indexed: { writes: ['indexed'], to: 'done' }, superseded: { writes: ['unindexed'], to: 'closed' } },
    },
  },
  ends: ['done', 'closed'],
})
