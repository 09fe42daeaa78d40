import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '#test/simulator/seeded-random.ts'
import { audit, type Findings } from './audit.ts'
import type { Installation } from './installation.ts'
import { type ChaosTicket, type TicketOptions, ticketWith } from './knowledge.ts'
import type { Sender } from './sender.ts'

/** Acknowledged tickets that are not at rest by then count as lost. */
const AT_REST_MS = 90_000

export type Size = 'full' | 'quick'
export type Stage = {
  readonly installation: Installation
  readonly sender: Sender
  readonly size: Size
  readonly random: () => number
  /** New tickets of this scenario. */
  tickets(count: number, options?: Partial<TicketOptions>): ChaosTicket[]
}
/** What a scenario did and saw by itself; what became of the tickets is the audit's business. */
export type Done = {
  /** The moment of the blow, and how long runs under way may take to get ahead again. */
  readonly event?: { readonly at: Date; readonly boundMs: number }
  readonly counts: Readonly<Record<string, number>>
  readonly violations: readonly string[]
  /** False where the scenario itself keeps answers from coming about. */
  readonly mostAreAnswered?: boolean
}
export type Scenario = {
  readonly name: string
  /** For people: what happens, as a sentence. */
  readonly sentence: string
  readonly run: (stage: Stage) => Promise<Done>
}
export type Report = Findings & {
  readonly name: string
  readonly acknowledged: number
  readonly counts: Readonly<Record<string, number>>
  readonly boundMs: number | undefined
  readonly tookMs: number
}

/** One scenario on a running installation, and the audit of all that it left behind. */
export async function runScenario(scenario: Scenario, installation: Installation, seed: number, size: Size): Promise<Report> {
  await installation.processes?.ensure()
  const startedAt = performance.now()
  const sender = installation.newSender()
  const random = seededRandom(seed)
  const prefix = `${scenario.name}-${seed}-${Math.floor(startedAt)}-`
  let count = 0
  const tickets: Stage['tickets'] = (n, options = {}) =>
    Array.from({ length: n }, () =>
      ticketWith(`${prefix}${++count}`, { random, callbackUrl: installation.receiver.urlFor, ...options }),
    )
  const done = await scenario.run({ installation, sender, size, random, tickets })
  await atRest(installation, sender)
  const findings = await audit(installation, sender, prefix, done.event?.at)
  const boundMs = done.event?.boundMs
  const violations = [...findings.violations, ...done.violations, ...silence(sender, findings, done)]
  if (boundMs !== undefined && findings.recoveryMs === undefined) violations.push('nothing was under way when it happened')
  if (boundMs !== undefined && (findings.recoveryMs ?? 0) > boundMs)
    violations.push(`recovered after ${findings.recoveryMs} ms instead of ${boundMs} ms`)
  const acknowledged = sender.acks().length
  return {
    ...findings,
    violations,
    name: scenario.name,
    acknowledged,
    counts: { repeatedSends: sender.repeats(), ...done.counts },
    boundMs,
    tookMs: performance.now() - startedAt,
  }
}

/** An engine that sends everything to people would lose nothing and prove nothing. */
function silence(sender: Sender, findings: Findings, { mostAreAnswered = true }: Done): string[] {
  const answerable = sender.acks().filter(({ ticket }) => ticket.expected === 'answered').length
  if (!mostAreAnswered || findings.answered >= 0.9 * answerable) return []
  return [`only ${findings.answered} of ${answerable} answerable tickets were answered`]
}

const OPEN = `
  SELECT count(*) AS n FROM runs WHERE (id = ANY($1) OR (pipeline = 'send-webhook' AND subject_id = ANY($2)))
    AND status IN ('queued', 'running', 'delayed', 'parked')`

/** Waits for the tickets and their callbacks; what is not at rest by then, the audit finds. */
async function atRest(installation: Installation, sender: Sender): Promise<void> {
  const deadline = performance.now() + AT_REST_MS
  const ids = [sender.acks().map(({ runId }) => runId), sender.acks().map(({ ticketId }) => ticketId)]
  while (performance.now() < deadline) {
    const rows = await installation.query(OPEN, ids).catch(() => undefined)
    if (rows && Number(rows[0]!['n']) === 0) return
    await sleep(100)
  }
}
