import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import * as z from 'zod'
import { readConfig } from '#shared/config.ts'
import { createCliLog } from '../cli-log.ts'
import { apiClient, type Client } from '../client.ts'
import { type DemoTicket, demoTickets } from '../demo-world.ts'
import { loadDemo } from '../load-demo.ts'
import { startPlatform } from '../platform.ts'
import { startProgress } from '../progress.ts'
import { settled } from '../settled.ts'
import { Accepted, RunView } from '../views.ts'

const AT_ONCE = 8
const TICKET_TIMEOUT_MS = 120_000
const MUST_END_AS_EXPECTED = 0.9

type Row = {
  readonly ticket: DemoTicket
  readonly intent: string
  readonly outcome: string
  /** Why a person was asked; empty when nobody was. */
  readonly escalatedFor: string
  readonly citations: number
  readonly supported: string
  readonly ms: number
  readonly costUsd: number
}

/**
 * The sample tickets through the whole pipeline, on stores of their own that are gone afterwards, so that no earlier run and no
 * running server has a part in the result.
 * @returns 0 when every ticket came to rest and enough of them as expected
 */
export async function demo(): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), 'answerline-demo-'))
  const base = readConfig()
  const config = {
    ...base,
    dataDir,
    port: 0,
    host: '127.0.0.1',
    redisUrl: undefined,
    databaseUrl: undefined,
    logLevel: 'error' as const,
  }
  console.error('answerline: starting a private instance for the demo …')
  const platform = await startPlatform({
    config,
    roles: { api: true, work: true },
    log: createCliLog(config),
    say: (line) => console.error(`answerline: ${line}`),
  })
  try {
    const client = apiClient(platform.url, platform.key.key)
    await loadDemo(platform, client)
    const rows = await sendAll(client, demoTickets())
    return report(rows)
  } finally {
    await platform.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function sendAll(client: Client, tickets: readonly DemoTicket[]): Promise<Row[]> {
  const progress = startProgress('sending the demo tickets', tickets.length)
  const rows = new Map<string, Row>()
  const queue = [...tickets]
  const work = async (): Promise<void> => {
    for (let ticket = queue.shift(); ticket; ticket = queue.shift()) {
      rows.set(ticket.id, await sendOne(client, ticket))
      progress.update(rows.size)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  progress.stop()
  return tickets.map(({ id }) => rows.get(id)!)
}

async function sendOne(client: Client, ticket: DemoTicket): Promise<Row> {
  const startedAt = performance.now()
  const { subject, body, channel, requester } = ticket
  const accepted = await client.request('POST', '/v1/tickets', {
    subject,
    body,
    channel,
    requester,
    metadata: { demo: ticket.id },
  })
  const none = { ticket, intent: '', escalatedFor: '', citations: 0, supported: '', costUsd: 0 }
  if (accepted.status !== 202) {
    const outcome = accepted.status >= 400 && accepted.status < 500 ? 'rejected' : `error ${accepted.status}`
    return { ...none, outcome, ms: performance.now() - startedAt }
  }
  const { ticketId, runId } = Accepted.parse(accepted.body)
  const view = await settled(client, ticketId, TICKET_TIMEOUT_MS)
  const ms = performance.now() - startedAt
  const run = await client.request('GET', `/v1/runs/${runId}`)
  const claims = view.verdict?.claims ?? []
  return {
    ...none,
    intent: intentIn(run.body),
    outcome: view.status,
    escalatedFor: view.escalation?.reason ?? '',
    citations: view.answer?.citations.length ?? 0,
    supported: claims.length === 0 ? '' : `${claims.filter((claim) => claim.supported).length}/${claims.length}`,
    ms,
    costUsd: view.usage?.costUsd ?? 0,
  }
}

const WithIntent = z.object({ triage: z.object({ intent: z.string() }) })

function intentIn(run: unknown): string {
  const written = RunView.parse(run).attempts.map(({ facts }) => WithIntent.safeParse(facts))
  return written.findLast(({ success }) => success)?.data?.triage.intent ?? ''
}

const withReason = ({ outcome, escalatedFor }: Row): string => (escalatedFor ? `${outcome} (${escalatedFor})` : outcome)

function report(rows: readonly Row[]): number {
  const table = new Table({
    head: ['ticket', 'subject', 'intent', 'outcome', 'expected', 'cited', 'supported', 'ms', 'cost $'],
    style: { head: [], border: [] },
  })
  for (const row of rows) {
    const asExpected = row.outcome === row.ticket.expect
    const subject = row.ticket.subject.replace(/\s+/g, ' ').slice(0, 34)
    table.push([
      row.ticket.id,
      subject,
      row.intent,
      row.outcome,
      asExpected ? row.ticket.expect : `${row.ticket.expect}  <- differs`,
      row.citations || '',
      row.supported,
      Math.round(row.ms),
      row.costUsd.toFixed(4),
    ])
  }
  console.log(table.toString())
  const resting = rows.filter((row) => ['answered', 'escalated', 'closed', 'rejected', 'cancelled'].includes(row.outcome)).length
  const expected = rows.filter((row) => row.outcome === row.ticket.expect).length
  console.log(
    `${resting} of ${rows.length} tickets came to rest; ${expected} (${((100 * expected) / rows.length).toFixed(1)} %) ended as expected`,
  )
  for (const row of rows.filter((one) => one.outcome !== one.ticket.expect))
    console.log(`  ${row.ticket.id} ${withReason(row)} instead of ${row.ticket.expect}: ${row.ticket.why}`)
  return resting === rows.length && expected >= MUST_END_AS_EXPECTED * rows.length ? 0 : 1
}
