import { journalContract } from '#test/contracts/journal.contract.ts'
import { createMemoryJournal } from './journal.memory.ts'

journalContract('the journal in memory', async () => createMemoryJournal())
