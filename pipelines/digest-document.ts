import { Collected, Digested, DigestItemRef, Proven, ReadDocument, Undigested } from '#shared/domain/digest.ts'
import { definePipeline } from './define.ts'
import { enduring, patient, quick } from './retry.ts'

/**
 * From one document of a set to its result. A document without a result ends as `closed` and its item says why; a step that
 * fails for good leaves a dead run, whose dead letter says why and can be redriven.
 */
export const digestDocument = definePipeline({
  name: 'digest-document',
  version: 1,
  facts: {
    item: DigestItemRef,
    document: ReadDocument,
    digested: Digested,
    proven: Proven,
    undigested: Undigested,
    collected: Collected,
  },
  given: 'item',
  start: 'read',
  deadline: { interactive: '1h', standard: '1d', offline: '3d' },
  steps: {
    read: {
      reads: ['item'],
      retry: quick,
      // As in `index-document`: documents wait for each other's turn to be read.
      deadline: '3m',
      on: { parsed: { writes: ['document'], to: 'digest' }, rejected: { writes: ['undigested'], to: 'closed' } },
    },
    digest: {
      reads: ['item'],
      retry: patient,
      // All parts of a long document, some at a time.
      deadline: '10m',
      on: { digested: { writes: ['digested'], to: 'prove' }, rejected: { writes: ['undigested'], to: 'closed' } },
    },
    prove: {
      reads: ['item'],
      retry: quick,
      deadline: '60s',
      on: { proven: { writes: ['proven'], to: 'collect' }, unproven: { writes: ['undigested'], to: 'closed' } },
    },
    collect: {
      reads: ['item'],
      retry: enduring,
      // What is proven and paid for is kept, also when the set is being cancelled.
      irrevocable: true,
      deadline: '60s',
      on: { collected: { writes: ['collected'], to: 'done' } },
    },
  },
  ends: ['done', 'closed'],
})
