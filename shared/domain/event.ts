import * as z from 'zod'

/**
 * What a client that follows a ticket is told, over SSE; `done` is always last. `restart` takes back every `token` before it.
 * `id` is `<seq>-<index>`: the transition of the
 * run that it tells of (or during which it arose), so ids grow, and the same event has the same id however often it is told.
 */
export const StreamedEvent = z.object({
  id: z.string().regex(/^\d+-\d+$/),
  event: z.enum(['step', 'token', 'restart', 'answer', 'verdict', 'escalated', 'done']),
  data: z.record(z.string(), z.unknown()),
})
export type StreamedEvent = z.infer<typeof StreamedEvent>

/** @returns negative, 0 or positive, as for sorting */
export function compareEventIds(a: string, b: string): number {
  const [seqA = 0, indexA = 0] = a.split('-').map(Number)
  const [seqB = 0, indexB = 0] = b.split('-').map(Number)
  return seqA - seqB || indexA - indexB
}
