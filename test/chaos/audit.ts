import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import { openFacts } from '#shared/adapters/state/sealed-facts.ts'
import { replyAt } from '#shared/adapters/state/sealed-places.ts'
import { Citation } from '#shared/domain/answer.ts'
import { DISPATCHED } from '#shared/domain/run.ts'
import { Verdict } from '#shared/domain/verdict.ts'
import { type Installation, sealer } from './installation.ts'
import { articlesOf, monthsOf, otherTenant, TENANTS, type TenantId } from './knowledge.ts'
import { LogRow, ProjectedRun, rebuildRun } from './rebuild-run.ts'
import type { Ack, Sender } from './sender.ts'

export type Findings = {
  readonly answered: number
  readonly escalated: number
  readonly closed: number
  readonly cancelled: number
  readonly lost: number
  readonly answeredTwice: number
  readonly wrongTenant: number
  readonly unproven: number
  readonly brokenLogs: number
  readonly callbacks: number
  readonly redispatched: number
  /** By their codes: steps that failed for good. */
  readonly deadLetters: Readonly<Record<string, number>>
  /** From `event` until the last run that was under way then had got ahead. */
  readonly recoveryMs: number | undefined
  /** What is wrong, each in a sentence. */
  readonly violations: readonly string[]
}

const Reply = z.object({
  id: z.string(),
  tenant_id: z.string(),
  ticket_id: z.string(),
  run_id: z.string(),
  body: z.string(),
  citations: z.array(Citation),
})
const RunRow = ProjectedRun.extend({ pipeline: z.string(), subject_id: z.string() })
type RunRow = z.infer<typeof RunRow>

type Evidence = {
  readonly acks: readonly Ack[]
  readonly runs: ReadonlyMap<string, RunRow>
  readonly logs: ReadonlyMap<string, LogRow[]>
  readonly replies: readonly z.infer<typeof Reply>[]
  readonly tickets: readonly Row[]
  readonly deadLetters: readonly Row[]
}
type Row = Record<string, unknown>

/** Looks at everything that the acknowledged tickets have left behind. @param event what the recovery is measured from */
export async function audit(installation: Installation, sender: Sender, refPrefix: string, event?: Date): Promise<Findings> {
  const evidence = await gather(installation, sender.acks(), refPrefix)
  const status = (name: string) => evidence.acks.filter(({ runId }) => evidence.runs.get(runId)?.status === name).length
  const lost = lostRuns(evidence)
  const twice = [...answeredTwice(evidence), ...deliveredTwice(evidence, installation)]
  const wrong = [
    ...wrongTenants(evidence),
    ...strayRows(await installation.query(STRAYS)),
    ...wrongCallbacks(evidence, installation),
  ]
  const unproven = unprovenReplies(evidence)
  const broken = brokenLogs(evidence)
  const callbacks = installation.receiver
    .received()
    .filter(({ ticketId }) => evidence.acks.some((ack) => ack.ticketId === ticketId))
  return {
    answered: status('answered'),
    escalated: status('waiting'),
    closed: status('closed'),
    cancelled: status('cancelled'),
    lost: lost.length,
    answeredTwice: twice.length,
    wrongTenant: wrong.length,
    unproven: unproven.length,
    brokenLogs: broken.length,
    callbacks: callbacks.length,
    redispatched: [...evidence.logs.values()].flat().filter(({ result }) => result === 'redispatched').length,
    deadLetters: countBy(evidence.deadLetters.map(({ code }) => String(code))),
    recoveryMs: event && recoveryMs([...evidence.logs.values()], event),
    violations: [...sender.problems(), ...pendingCallbacks(evidence), ...lost, ...twice, ...wrong, ...unproven, ...broken],
  }
}

const RUNS_OF = `
  SELECT r.* FROM runs r WHERE r.subject_id = ANY($1) AND r.pipeline IN ('support-ticket', 'send-webhook')`
const TICKETS_OF = `
  SELECT t.*, a.tenant_id AS sealed_for, a.facts_written, a.facts_written->'ticket'->>'tenantId' AS said_tenant
  FROM attempts a JOIN tickets t ON t.run_id = a.run_id WHERE a.seq = 0`
const Marked = z.object({ ticket: z.object({ metadata: z.object({ ref: z.string() }) }) })

/** The facts of a row of the log, opened. */
const opened = ({ tenant_id, run_id, facts_written }: Row) =>
  openFacts(sealer, String(tenant_id), String(run_id), facts_written as Row)

/** A reply that somebody moved to another run does not open, and is no less wrong for that. */
function openedBody({ tenant_id, run_id, body }: Row): string {
  try {
    return sealer.open(String(body), replyAt(String(tenant_id), String(run_id)))
  } catch {
    return ''
  }
}

async function gather(installation: Installation, acks: readonly Ack[], refPrefix: string): Promise<Evidence> {
  const tickets = (await installation.query(TICKETS_OF)).flatMap(({ sealed_for, facts_written, ...ticket }) => {
    const marked = Marked.safeParse(opened({ tenant_id: sealed_for, run_id: ticket.run_id, facts_written }))
    const ref = marked.data?.ticket.metadata.ref
    return ref?.startsWith(refPrefix) ? [{ ...ticket, ref } as Row] : []
  })
  const ticketIds = [...new Set([...tickets.map(({ id }) => String(id)), ...acks.map(({ ticketId }) => ticketId)])]
  const runs = (await installation.query(RUNS_OF, [ticketIds])).map((row) => RunRow.parse(row))
  const runIds = runs.map(({ id }) => id)
  const log = await installation.query('SELECT * FROM attempts WHERE run_id = ANY($1) ORDER BY run_id, seq', [runIds])
  const deadLetters = await installation.query('SELECT code, message FROM dead_letters WHERE run_id = ANY($1)', [runIds])
  const replies = await installation.query('SELECT * FROM replies WHERE ticket_id = ANY($1)', [ticketIds])
  return {
    acks,
    tickets,
    deadLetters,
    runs: new Map(runs.map((run) => [run.id, run])),
    logs: Map.groupBy(
      log.map((row) => LogRow.parse({ ...row, facts_written: opened(row) })),
      ({ run_id }) => run_id,
    ),
    replies: replies.map((row) => Reply.parse({ ...row, body: openedBody(row) })),
  }
}

const countBy = (names: readonly string[]) =>
  Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]))

const AT_REST = ['answered', 'waiting', 'closed', 'cancelled']

function lostRuns({ acks, runs }: Evidence): string[] {
  return acks.flatMap(({ ticket, runId }) => {
    const run = runs.get(runId)
    if (!run) return [`lost: ${ticket.ref} was acknowledged and is not there`]
    return AT_REST.includes(run.status) ? [] : [`lost: ${ticket.ref} is ${run.status} at ${run.step}, seq ${run.seq}`]
  })
}

/** A callback that comes minutes late is not lost, but whoever waits for it cannot know. */
const pendingCallbacks = ({ runs }: Evidence): string[] =>
  [...runs.values()]
    .filter(({ pipeline, status }) => pipeline === 'send-webhook' && status !== 'done')
    .map((run) => `late: the callback of ${run.subject_id} is ${run.status}, attempt ${run.attempt}`)

function answeredTwice({ replies, tickets }: Evidence): string[] {
  const byTicket = Map.groupBy(replies, ({ ticket_id }) => ticket_id)
  const byRef = Map.groupBy(tickets, ({ ref }) => String(ref))
  return [
    ...[...byTicket].filter(([, all]) => all.length > 1).map(([id, all]) => `answered twice: ${id} has ${all.length} replies`),
    ...[...byRef].filter(([, all]) => all.length > 1).map(([ref, all]) => `answered twice: ${ref} became ${all.length} tickets`),
  ]
}

/** Repeats of one message id are allowed: that is what the id is for. */
function deliveredTwice({ acks }: Evidence, { receiver }: Installation): string[] {
  const ids = new Set(acks.map(({ ticketId }) => ticketId))
  const byTicket = Map.groupBy(
    receiver.received().filter(({ ticketId }) => ids.has(ticketId)),
    ({ ticketId }) => ticketId,
  )
  return [...byTicket].flatMap(([ticketId, messages]) => {
    const messageIds = new Set(messages.map(({ id }) => id)).size
    const texts = new Set(messages.map(({ text }) => text)).size
    return messageIds > 1 || texts > 1 ? [`answered twice: the callback of ${ticketId} came as ${messageIds} messages`] : []
  })
}

function wrongTenants({ acks, runs, logs, replies, tickets }: Evidence): string[] {
  const tenantOf = new Map(acks.map((ack) => [ack.ticketId, ack.ticket.tenantId]))
  return [
    ...tickets
      .filter(({ id, tenant_id, said_tenant }) => {
        const sent = tenantOf.get(String(id)) ?? tenant_id
        return tenant_id !== sent || said_tenant !== sent
      })
      .map(({ id }) => `wrong tenant: ticket ${id}`),
    ...[...runs.values()]
      .filter((run) => run.tenant_id !== (tenantOf.get(run.subject_id) ?? run.tenant_id))
      .map(({ id }) => `wrong tenant: run ${id}`),
    ...[...logs.values()]
      .flat()
      .filter((row) => row.tenant_id !== runs.get(row.run_id)?.tenant_id)
      .map(({ run_id, seq }) => `wrong tenant: log of ${run_id} at ${seq}`),
    ...replies.filter((reply) => speaksForOther(reply, runs)).map(({ ticket_id }) => `wrong tenant: reply to ${ticket_id}`),
  ]
}

function speaksForOther(reply: z.infer<typeof Reply>, runs: ReadonlyMap<string, RunRow>): boolean {
  const tenantId = reply.tenant_id as TenantId
  const strangers = monthsOf(otherTenant(tenantId))
  return (
    runs.get(reply.run_id)?.tenant_id !== tenantId ||
    reply.citations.some(({ documentId }) => !documentId.startsWith(`${tenantId}-`)) ||
    strangers.some((words) => reply.body.includes(words))
  )
}

const wrongCallbacks = ({ acks }: Evidence, { receiver }: Installation): string[] => {
  const tenantOf = new Map(acks.map((ack) => [ack.ticketId, ack.ticket.tenantId]))
  return receiver
    .received()
    .filter(({ ticketId, tenantId, signed }) => tenantOf.has(ticketId) && (tenantOf.get(ticketId) !== tenantId || !signed))
    .map(
      ({ ticketId, signed }) =>
        `wrong tenant: the callback of ${ticketId} ${signed ? 'went to another tenant' : 'is not signed by its tenant'}`,
    )
}

/** Of the whole installation: rows that name another tenant than the run they belong to. */
const STRAYS = `
  SELECT 'escalation' AS what, e.id FROM escalations e JOIN runs r ON r.id = e.run_id WHERE e.tenant_id <> r.tenant_id
  UNION ALL SELECT 'model call', c.run_id FROM model_calls c JOIN runs r ON r.id = c.run_id WHERE c.tenant_id <> r.tenant_id
  UNION ALL SELECT 'dead letter', d.id FROM dead_letters d JOIN runs r ON r.id = d.run_id WHERE d.tenant_id <> r.tenant_id
  UNION ALL SELECT 'ticket', t.id FROM tickets t JOIN runs r ON r.id = t.run_id WHERE t.tenant_id <> r.tenant_id
  UNION ALL SELECT 'reply', p.id FROM replies p JOIN runs r ON r.id = p.run_id WHERE p.tenant_id <> r.tenant_id`
const strayRows = (rows: readonly Row[]) => rows.map(({ what, id }) => `wrong tenant: ${what} ${id}`)

const sources = new Map(TENANTS.flatMap((tenant) => articlesOf(tenant).map(({ id, text }) => [id, text] as const)))

/** A reply of the machine must have passed the ledger, and what it quotes must stand in the article word for word. */
function unprovenReplies({ replies, logs }: Evidence): string[] {
  return replies.flatMap((reply) => {
    const facts = Object.assign({}, ...(logs.get(reply.run_id) ?? []).map((row) => row.facts_written)) as Record<string, unknown>
    const verdict = Verdict.safeParse(facts['verdict'])
    const proven = verdict.success && verdict.data.decision === 'deliver'
    const left = verdict.success
      ? verdict.data.claims.filter((claim, i) => !claim.supported && !verdict.data.cut.includes(i))
      : []
    const unquoted = reply.citations.filter(({ documentId, quote }) => !sources.get(documentId)?.includes(quote))
    const good = proven && left.length === 0 && reply.citations.length > 0 && unquoted.length === 0
    return good ? [] : [`unproven: the reply to ${reply.ticket_id} (${left.length} claims, ${unquoted.length} quotes)`]
  })
}

/** The run rows are projections: the log alone must give the same. */
function brokenLogs({ runs, logs }: Evidence): string[] {
  return [...runs.values()].flatMap((run) => {
    try {
      const rebuilt = rebuildRun(logs.get(run.id) ?? [])
      return isDeepStrictEqual(rebuilt, ProjectedRun.parse(run)) ? [] : [`broken log: ${run.id} is not what its log says`]
    } catch (error) {
      return [`broken log: ${run.id}: ${(error as Error).message}`]
    }
  })
}

/**
 * How long the last of the runs that were under way at `event` took to end its step. What the sweeper did is no progress.
 * @returns undefined when none was under way
 */
export function recoveryMs(logs: readonly (readonly LogRow[])[], event: Date): number | undefined {
  const times = logs.flatMap((rows) => {
    const before = rows.findLast(({ ended_at }) => ended_at <= event)
    if (!before || !DISPATCHED.includes(before.next.status)) return []
    const after = rows.find((row) => row.seq > before.seq && row.result !== 'redispatched')
    return [after ? after.ended_at.getTime() - event.getTime() : Number.POSITIVE_INFINITY]
  })
  return times.length === 0 ? undefined : Math.max(...times)
}
