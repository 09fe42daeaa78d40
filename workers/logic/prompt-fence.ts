import { createHash } from 'node:crypto'

/**
 * The mark around what documents and customers say in a prompt. Neither can know it, so neither can close the fence; and a draft
 * that holds it repeats its prompt. A function of the run, because a repeat after a crash must be the same request to be answered
 * from the journal.
 */
export const promptFence = (runId: string, visit: number): string =>
  createHash('sha256').update(`${runId} ${visit}`).digest('hex').slice(0, 12)
