import { Handover, Receipt } from '#shared/domain/answer.ts'
import type { StreamedEvent } from '#shared/domain/event.ts'
import { type Attempt, ENDED } from '#shared/domain/run.ts'
import { Verdict } from '#shared/domain/verdict.ts'

type Told = Pick<Attempt, 'seq' | 'step' | 'attempt' | 'result' | 'factsWritten' | 'next' | 'endedAt'>

/**
 * What a ticket's followers are told of one row of its log. Pure, so a client that reconnects after Redis was emptied is told
 * exactly the same, under the same ids.
 */
export function eventsOf(row: Told): StreamedEvent[] {
  const told: Omit<StreamedEvent, 'id'>[] = []
  const { step, result, attempt, factsWritten, next } = row
  told.push({
    event: 'step',
    data: { step, result, attempt, next: next.step, status: next.status, at: row.endedAt.toISOString() },
  })
  const verdict = Verdict.safeParse(factsWritten.verdict)
  if (verdict.success) told.push({ event: 'verdict', data: { decision: verdict.data.decision, claims: verdict.data.claims } })
  const handover = Handover.safeParse(factsWritten.handover)
  if (handover.success && handover.data.takesBack) told.push({ event: 'restart', data: { reason: 'a person takes over' } })
  if (handover.success) {
    const { reason, severity, message } = handover.data
    told.push({ event: 'escalated', data: { reason, severity, ...(message === undefined ? {} : { message }) } })
  }
  const receipt = Receipt.safeParse(factsWritten.receipt)
  if (receipt.success) {
    const { text, citations, confidence, followUps, shown } = receipt.data
    if (shown?.restart) told.push({ event: 'restart', data: { reason: 'the proven text is another one' } })
    // What followers have not read while it was being written comes now, sentence by sentence.
    const rest = text.slice(shown?.characters ?? 0)
    for (const piece of rest === '' ? [] : rest.split(/(?<=\]\.?\s)/)) told.push({ event: 'token', data: { text: piece } })
    told.push({ event: 'answer', data: { text, citations, confidence, followUps } })
  }
  if (ENDED.includes(next.status)) told.push({ event: 'done', data: { status: next.status } })
  return told.map((event, index) => ({ id: `${row.seq}-${index}`, ...event }))
}

/** Ids of what arises while a run is at `seq`, such as tokens: after all that is told of the transition to it. */
export const liveEventId = (seq: number, index: number) => `${seq}-${1_000 + index}`
