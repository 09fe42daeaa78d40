import type { DeadLetter } from '#shared/ports/run-log.ts'
import type { ApiDeps, MountDoors } from './deps.ts'

export type Redriven = { readonly redriven: true } | { readonly redriven: false; readonly why: string }
type RedriveDeps = Pick<ApiDeps, 'mover' | 'runs' | 'escalations' | 'clock' | 'tenants'>

/** Sends the step that failed round again, under a new seq, and closes the dead letter. Refused when the run has gone on since. */
export async function redriveLetter(letter: DeadLetter, actor: string, deps: RedriveDeps): Promise<Redriven> {
  const { id, tenantId, runId, step } = letter
  const moved = await deps.mover.move(runId, { kind: 'redriven', step }, actor)
  if (!moved.moved) return { redriven: false, why: moved.why }
  const at = deps.clock.now()
  await deps.runs.markRedriven(tenantId, id, at)
  // The machine tries again, so no person needs to.
  await deps.escalations.resolve(tenantId, runId, 'withdrawn', actor, at)
  return { redriven: true }
}

/** The same for one letter by its id, as dashboards call it. */
export const redriver =
  (deps: RedriveDeps): MountDoors['redrive'] =>
  async (id, { tenantId, actor }) => {
    const [letter] = await deps.runs.deadLetters(tenantId, { ids: [id], limit: 1, open: true })
    if (!letter) return { redriven: false, why: 'there is no open dead letter of this id' }
    return redriveLetter(letter, actor, deps)
  }
