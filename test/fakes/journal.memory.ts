import type { Journal, JournalEntry, JournaledReply, JournalKey } from '#shared/ports/journal.ts'

const nameOf = (key: JournalKey) => JSON.stringify([key.tenantId, key.runId, key.step, key.visit, key.requestHash])
const isReply = (entry: JournalEntry): entry is JournaledReply => entry.result.kind === 'reply'

/** A journal that forgets when the process ends. `entries` holds everything recorded, in order. */
export function createMemoryJournal(): Journal & { readonly entries: readonly JournalEntry[] } {
  const entries: JournalEntry[] = []
  return {
    entries,
    async find(key) {
      return entries.filter(isReply).findLast((entry) => nameOf(entry.key) === nameOf(key))
    },
    async record(entry) {
      entries.push(entry)
    },
  }
}
