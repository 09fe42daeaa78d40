import { Redis } from 'ioredis'
import * as z from 'zod'
import { openQueue } from '#shared/adapters/state/queue-names.ts'
import { jobIdOf } from '#shared/ports/dispatcher.ts'
import { type Installation, QUEUE_PREFIX } from '../installation.ts'
import type { Scenario } from '../scenario.ts'
import { until } from '../until.ts'

const Accepted = z.object({ ticketId: z.string(), runId: z.string() })

export const sameKey: Scenario = {
  name: 'same-key',
  sentence: '100 concurrent posts with one idempotency key make one ticket',
  async run({ sender, tickets }) {
    const [ticket] = tickets(1, { answerableOnly: true })
    const send = async () => {
      const headers = { 'idempotency-key': ticket!.ref }
      const response = await sender.request(ticket!.tenantId, 'POST', '/v1/tickets', ticket!.body, headers)
      const body: unknown = await response.json()
      if (response.status === 202) sender.acknowledge(ticket!, Accepted.parse(body))
      return { status: response.status, replayed: response.headers.get('idempotency-replayed') === 'true' }
    }
    const replies = await Promise.all(Array.from({ length: 100 }, send))
    const accepted = replies.filter(({ status }) => status === 202)
    const first = accepted.filter(({ replayed }) => !replayed).length
    const inFlight = replies.filter(({ status }) => status === 409).length
    return {
      counts: { accepted: accepted.length, replayed: accepted.length - first, inFlight },
      violations: [
        ...(first === 1 ? [] : [`${first} of the posts were told that theirs is the first`]),
        ...(accepted.length + inFlight === 100 ? [] : ['some posts got neither 202 nor 409']),
      ],
    }
  },
}

const AtDraft = z.array(z.object({ id: z.string(), seq: z.int() }))

export const sameJob: Scenario = {
  name: 'same-job',
  sentence: 'the same jobs are handed to two workers at once under other ids',
  async run({ installation, sender, tickets, size }) {
    const count = size === 'full' ? 10 : 3
    const gates = installation.workers().map(({ gate }) => gate)
    for (const gate of gates) gate.hold()
    await sender.postAll(tickets(count, { answerableOnly: true }))
    await until('every draft is being written', 30_000, () => gates.reduce((sum, gate) => sum + gate.open(), 0) >= count)
    const runIds = sender.acks().map(({ runId }) => runId)
    const runs = AtDraft.parse(await installation.query('SELECT id, seq FROM runs WHERE id = ANY($1)', [runIds]))
    const redis = new Redis({ path: installation.redis.socket, maxRetriesPerRequest: null })
    const queue = openQueue({ redis, prefix: QUEUE_PREFIX }, 'support-ticket.generate')
    const activeBefore = await queue.getActiveCount()
    // One at a time: the worker that has waited longest takes the next job, so that copies of one run go to different workers.
    const copies = runs.flatMap(({ id, seq }) => [1, 2, 3].map((copy) => ({ id, seq, copy })))
    for (const [i, { id, seq, copy }] of copies.entries()) {
      await queue.add('generate', { runId: id, seq }, { jobId: `${id}_copy_${copy}` })
      await until('the copy is being worked on', 20_000, async () => (await queue.getActiveCount()) > activeBefore + i)
    }
    const calls = gates.map((gate) => gate.open())
    for (const gate of gates) gate.release()
    await queue.close()
    redis.disconnect()
    const twoAtWork = gates.length < 2 || calls.every((n) => n > 0)
    return {
      counts: { jobs: count + copies.length, callsInFlight: calls.reduce((sum, n) => sum + n, 0) },
      violations: twoAtWork ? [] : ['only one worker took the copies'],
    }
  },
}

const Letters = z.object({ deadLetters: z.array(z.object({ id: z.string(), runId: z.string(), code: z.string() })) })
const BREAK = `UPDATE attempts SET facts_written = jsonb_set(facts_written, '{passages}', '"from another version"')
  WHERE run_id = ANY($1) AND facts_written ? 'passages'`
const MEND = 'UPDATE attempts SET facts_written = $3::jsonb WHERE run_id = $1 AND seq = $2'

/** Takes the jobs of these drafts out of Redis; the sweeper finds that they are gone and sends them again. */
async function loseJobs(installation: Installation, runIds: readonly string[]): Promise<void> {
  const runs = AtDraft.parse(await installation.query('SELECT id, seq FROM runs WHERE id = ANY($1)', [runIds]))
  const redis = new Redis({ path: installation.redis.socket, maxRetriesPerRequest: null })
  await redis.del(runs.map(({ id, seq }) => `${QUEUE_PREFIX}:support-ticket.generate:${jobIdOf({ runId: id, seq })}`))
  redis.disconnect()
}

export const redriveDeadLetters: Scenario = {
  name: 'redrive',
  sentence: 'steps that a bad fact made fail for good are sent round again once it is mended',
  async run({ installation, sender, tickets, size }) {
    const count = size === 'full' ? 10 : 2
    const gates = installation.workers().map(({ gate }) => gate)
    for (const gate of gates) gate.hold()
    await sender.postAll(tickets(count, { answerableOnly: true }))
    await until('every draft is being written', 30_000, () => gates.reduce((sum, gate) => sum + gate.open(), 0) >= count)
    const runIds = sender.acks().map(({ runId }) => runId)
    const good = await installation.query(
      `SELECT run_id, seq, facts_written FROM attempts WHERE run_id = ANY($1) AND facts_written ? 'passages'`,
      [runIds],
    )
    await installation.query(BREAK, [runIds])
    // A worker goes on with the facts that it has in hand; whoever takes up a lost job reads what is broken.
    await loseJobs(installation, runIds)
    const waiting = `SELECT count(*) AS n FROM runs WHERE id = ANY($1) AND status = 'waiting'`
    await until(
      'every run waits for a person',
      30_000,
      async () => Number((await installation.query(waiting, [runIds]))[0]!['n']) === count,
    )
    for (const gate of gates) gate.release()
    for (const { run_id, seq, facts_written } of good)
      await installation.query(MEND, [run_id, seq, JSON.stringify(facts_written)])
    let redriven = 0
    let letters = 0
    for (const tenantId of new Set(sender.acks().map(({ ticket }) => ticket.tenantId))) {
      const listed = Letters.parse(await (await sender.request(tenantId, 'GET', '/v1/dead-letters')).json())
      const ids = listed.deadLetters.filter(({ runId }) => runIds.includes(runId)).map(({ id }) => id)
      letters += ids.length
      const reply = await sender.request(tenantId, 'POST', '/v1/dead-letters/redrive', { ids })
      redriven += z.object({ redriven: z.int() }).parse(await reply.json()).redriven
    }
    const answered = `SELECT count(*) AS n FROM runs WHERE id = ANY($1) AND status = 'answered'`
    await until(
      'every run is answered',
      30_000,
      async () => Number((await installation.query(answered, [runIds]))[0]!['n']) === count,
    ).catch(() => {})
    return {
      counts: { deadLetters: letters, redriven },
      violations:
        letters === count && redriven === count ? [] : [`${letters} dead letters, ${redriven} redriven, for ${count} runs`],
    }
  },
}
