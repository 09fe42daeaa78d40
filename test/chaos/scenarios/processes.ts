import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import type { Process } from '#test/servers/answerline.ts'
import type { Installation, Processes, Worker } from '../installation.ts'
import type { ChaosTicket } from '../knowledge.ts'
import type { Scenario, Size, Stage } from '../scenario.ts'
import { until } from '../until.ts'

const KILL_BOUND_MS = 10_000
const STOP_BOUND_MS = 20_000

export function processesOf({ processes }: Installation): Processes {
  if (!processes) throw new Error('this scenario needs an installation of several processes')
  return processes
}

type Victim = Worker & { readonly process: Process }

/** Shuts the doors to the models, sends tickets until one worker has `count` drafts in flight, and names that worker. */
async function untilBusy({ installation, sender, tickets }: Stage, count: number): Promise<Victim> {
  const workers = installation.workers() as readonly Victim[]
  for (const { gate } of workers) gate.hold()
  const busiest = () => workers.reduce((most, worker) => (worker.gate.open() > most.gate.open() ? worker : most))
  for (let sent = 0; busiest().gate.open() < count && sent < 8 * count; sent += count) {
    await sender.postAll(tickets(count, { answerableOnly: true }))
    const underWay = () => workers.reduce((sum, { gate }) => sum + gate.open(), 0)
    await until(
      'every ticket sent so far is with a model',
      30_000,
      () => underWay() >= sender.acks().length || busiest().gate.open() >= count,
    )
  }
  return busiest()
}

export const killWorker: Scenario = {
  name: 'kill-worker',
  sentence: 'kill -9 of a worker with 50 drafts in flight',
  async run(stage) {
    const inFlight = stage.size === 'full' ? 50 : 10
    const victim = await untilBusy(stage, inFlight)
    const held = victim.gate.open()
    const at = new Date()
    await victim.process.kill9()
    for (const { gate } of stage.installation.workers()) gate.release()
    await stage.sender.postAll(stage.tickets(inFlight / 2))
    return {
      event: { at, boundMs: KILL_BOUND_MS },
      counts: { inFlight: held },
      violations: held >= inFlight ? [] : [`only ${held} drafts were in flight`],
    }
  },
}

export const stopWorker: Scenario = {
  name: 'stop-worker',
  sentence: 'SIGTERM to a worker whose calls do not end',
  async run(stage) {
    const inFlight = stage.size === 'full' ? 50 : 10
    const victim = await untilBusy(stage, inFlight)
    const held = victim.gate.open()
    const at = new Date()
    for (const { gate } of stage.installation.workers()) if (gate !== victim.gate) gate.release()
    const { code, tookMs } = await victim.process.terminate()
    const late = tookMs > STOP_BOUND_MS ? [`the worker took ${Math.round(tookMs)} ms to stop`] : []
    return {
      // A job that is handed back on the last moment of the stop still has to be done.
      event: { at, boundMs: STOP_BOUND_MS + KILL_BOUND_MS },
      counts: { inFlight: held, stopMs: Math.round(tookMs) },
      violations: [...late, ...(code === 0 ? [] : [`the worker ended with code ${code}`])],
    }
  },
}

const Line = z.object({ line: z.int(), status: z.int(), ticketId: z.string().optional(), runId: z.string().optional() })

/** Sends the tickets of one tenant as one upload. Resolves with the lines that were acknowledged, also when the connection breaks. */
async function upload(
  url: string,
  headers: Record<string, string>,
  tickets: readonly ChaosTicket[],
  onLine: (n: number) => void,
) {
  const sent = request(`${url}/v1/tickets/bulk`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/x-ndjson' },
  })
  const acknowledged = new Map<number, { ticketId: string; runId: string }>()
  const refused: number[] = []
  const done = new Promise<void>((resolve) => {
    sent.once('error', () => resolve())
    sent.once('response', (response) => {
      let rest = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop()!
        for (const json of lines) {
          const { line, status, ticketId, runId } = Line.parse(JSON.parse(json))
          if (status === 202) acknowledged.set(line, { ticketId: ticketId!, runId: runId! })
          else refused.push(line)
          onLine(acknowledged.size)
        }
      })
      response.once('close', resolve)
      response.once('error', () => resolve())
    })
  })
  const write = async () => {
    for (const [i, ticket] of tickets.entries()) {
      if (sent.destroyed) return
      if (!sent.write(`${JSON.stringify(ticket.body)}\n`)) await Promise.race([once(sent, 'drain'), once(sent, 'close'), done])
      // As a producer that reads its lines from somewhere; else all is sent before the first reply is read.
      if (i % 5 === 0) await sleep(1)
    }
    sent.end()
  }
  await write().catch(() => {})
  await done
  return { acknowledged, refused }
}

const BULK: Readonly<Record<Size, number>> = { full: 600, quick: 100 }

export const killApi: Scenario = {
  name: 'kill-api',
  sentence: 'kill -9 of the API during a bulk upload, which is then sent again under its key',
  async run({ installation, sender, tickets, size }) {
    const processes = processesOf(installation)
    const all = tickets(BULK[size] * 3)
    const mine = all.filter(({ tenantId }) => tenantId === 'north').slice(0, BULK[size])
    const headers = {
      authorization: sender.authorization,
      'x-tenant-id': 'north',
      'idempotency-key': `upload-${mine[0]!.ref}`,
    }
    let killed: Promise<void> | undefined
    const first = await upload(processes.api().url, headers, mine, (n) => {
      if (n >= mine.length / 3) killed ??= processes.api().kill9()
    })
    await killed
    for (const [line, ids] of first.acknowledged) sender.acknowledge(mine[line - 1]!, ids)
    await processes.restartApi()
    const second = await upload(processes.api().url, headers, mine, () => {})
    for (const [line, ids] of second.acknowledged) sender.acknowledge(mine[line - 1]!, ids)
    const missing = mine.length - second.acknowledged.size
    return {
      counts: { lines: mine.length, acknowledgedBeforeTheKill: first.acknowledged.size, refused: second.refused.length },
      violations: [
        ...(missing > 0 ? [`${missing} lines were not acknowledged by the second upload`] : []),
        ...(first.acknowledged.size === 0 || first.acknowledged.size >= mine.length
          ? ['the kill came too early or too late']
          : []),
      ],
    }
  },
}
