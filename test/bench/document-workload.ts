import { newDocumentSet } from '#pipelines/new-document-set.ts'
import { steps } from '#workers/steps.ts'
import type { OfflineWorkload } from './offline-workload.ts'

/** Documents in sets that are summarised for real: read, asked, proven and collected, with one model call each. */
export const documentWorkload: OfflineWorkload = {
  result: 'collected',
  tenantConfig: {},
  steps,
  async begin(doors, first, n) {
    const draft = {
      id: `set_bench${String(first).padStart(8, '0')}`,
      tenantId: 'default',
      order: { name: 'drill', lane: 'offline' as const, settings: { task: 'summarise' as const, maxSentences: 3 } },
      scheduleId: null,
      traceId: String(first).padStart(32, '0'),
      createdAt: doors.clock.now(),
    }
    const members = Array.from({ length: n }, (_, i) => ({ inline: documentNumber(first + i) }))
    await doors.documentSets.create(newDocumentSet(draft, members))
  },
}

const documentNumber = (i: number) => ({
  title: `Lamp ${i}`,
  audience: 'public' as const,
  text: `# Lamp ${i}\n\nThe lamp ${i} turns amber after ${10 + (i % 50)} seconds. Hold the button of lamp ${i} to reset it.\n\n## Warranty\n\nThe warranty of lamp ${i} lasts ${2 + (i % 7)} years.`,
})
