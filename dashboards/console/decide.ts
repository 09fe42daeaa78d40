import type { RunEvent } from '#shared/domain/run.ts'
import type { Escalation } from '#shared/ports/escalation-store.ts'
import type { DashboardDeps, Viewer } from '../deps.ts'

export type Decision =
  | { readonly decision: 'answer'; readonly text: string }
  | { readonly decision: 'dismiss'; readonly reason: string }
export type Decided = 'answered' | 'dismissed' | 'held' | 'late'

/**
 * A person's decision on an escalation: takes it if nobody holds it, moves the run on, then closes the case.
 * @returns what became of it; `held` by somebody else, or too `late`: nothing changed then
 */
export async function decide(deps: DashboardDeps, viewer: Viewer, escalation: Escalation, decision: Decision): Promise<Decided> {
  const { tenantId, actor } = viewer
  const now = deps.clock.now()
  if (escalation.resolution) return 'late'
  if (escalation.claimedBy !== actor && !(await deps.escalations.claim(tenantId, escalation.id, actor, now))) return 'held'
  const run = await deps.runLog.load(escalation.runId)
  if (run?.tenantId !== tenantId || run.status !== 'waiting' || (run.visits[run.step] ?? 0) !== escalation.visit) return 'late'
  const event = decision.decision === 'answer' ? answered(actor, decision.text) : dismissed(actor, decision.reason)
  // The seq that was read: a run that somebody else moved on in between stays as it is.
  const { moved } = await deps.runMover.move(run.id, event, actor, run.seq)
  if (!moved) return 'late'
  const resolution = decision.decision === 'answer' ? 'answered' : 'dismissed'
  await deps.escalations.resolve(tenantId, run.id, resolution, actor, now)
  return resolution
}

const answered = (by: string, text: string): RunEvent => ({
  kind: 'completed',
  outcome: 'answered',
  facts: {
    ruling: { by, decision: 'answer', text, reason: '' },
    answer: { text, citations: [], confidence: 1, followUps: [], by: 'person' },
  },
})

const dismissed = (by: string, reason: string): RunEvent => ({
  kind: 'completed',
  outcome: 'dismissed',
  facts: { ruling: { by, decision: 'dismiss', text: '', reason } },
})
