import { type Job, Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import { answerCalls } from '../side.ts'
import { untilCount } from '../until-count.ts'

/**
 * The baseline: eight BullMQ queues in a row, one durable statement a hop, nothing else. The statement is the product's in
 * small: it moves the run only from the `seq` the job names, and logs the attempt.
 */
const HOPS = 8
const CONCURRENCY = 50
const HOP = `
  WITH moved AS (
    UPDATE bare_runs SET seq = seq + 1, step = $3, status = $4, updated_at = now() WHERE id = $1 AND seq = $2 RETURNING id, seq
  )
  INSERT INTO bare_attempts (run_id, seq, step, result, facts, ended_at) SELECT id, seq, $3, 'done', '{"ok":true}', now() FROM moved
  RETURNING run_id`
const TABLES = `
  CREATE TABLE IF NOT EXISTS bare_runs (id text PRIMARY KEY, seq int NOT NULL, step text NOT NULL, status text NOT NULL, updated_at timestamptz NOT NULL) WITH (fillfactor = 80);
  CREATE TABLE IF NOT EXISTS bare_attempts (run_id text NOT NULL, seq int NOT NULL, step text NOT NULL, result text NOT NULL, facts jsonb NOT NULL, ended_at timestamptz NOT NULL, PRIMARY KEY (run_id, seq))`

type Data = { readonly runId: string; readonly seq: number }
const OPTIONS = { removeOnComplete: { age: 3_600, count: 200 }, removeOnFail: { count: 5_000 } }

let pool: pg.Pool
let redis: Redis
let queues: Queue[] = []
let workers: Worker[] = []
const ends = untilCount()
let made = 0

const addTo = (queue: Queue, { runId, seq }: Data) => queue.add('hop', { runId, seq }, { ...OPTIONS, jobId: `${runId}_${seq}` })

async function hop(position: number, job: Job<Data>): Promise<void> {
  const { runId, seq } = job.data
  const last = position === HOPS - 1
  const values = [runId, seq, `step-${position + 1}`, last ? 'done' : 'running']
  const { rowCount } = await pool.query({ name: 'hop', text: HOP, values })
  if (rowCount !== 1) return
  if (last) ends.add()
  else await addTo(queues[position + 1]!, { runId, seq: seq + 1 })
}

async function open({ redisUrl, databaseUrl }: { readonly redisUrl: string; readonly databaseUrl: string }): Promise<void> {
  pool = new pg.Pool({ connectionString: databaseUrl, max: 10 })
  await pool.query(TABLES)
  redis = new Redis(redisUrl, { maxRetriesPerRequest: null })
  queues = Array.from({ length: HOPS }, (_, i) => new Queue(`hop-${i}`, { connection: redis, prefix: 'bare' }))
  workers = queues.map(
    (queue, i) =>
      new Worker<Data>(queue.name, (job) => hop(i, job), {
        connection: new Redis(redisUrl, { maxRetriesPerRequest: null }),
        prefix: 'bare',
        concurrency: CONCURRENCY,
      }),
  )
  for (const worker of workers) worker.on('failed', (_job, error) => console.error('a hop of the baseline failed', error))
  await Promise.all(workers.map((worker) => worker.waitUntilReady()))
}

async function insertRuns(n: number): Promise<string[]> {
  const ids = Array.from({ length: n }, () => `bare-${made++}`)
  await pool.query("INSERT INTO bare_runs SELECT id, 0, '', 'queued', now() FROM unnest($1::text[]) AS id", [ids])
  return ids
}

const start = (ids: readonly string[]) =>
  queues[0]!.addBulk(ids.map((runId) => ({ name: 'hop', data: { runId, seq: 0 }, opts: { ...OPTIONS, jobId: `${runId}_0` } })))

/** @returns seconds from the first job to the last end, and the hops that the table holds for it */
async function round({ n }: { readonly n: number }): Promise<{ seconds: number; cpuMicros: number; hops: number }> {
  const ids = await insertRuns(n)
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  const allEnded = ends.after(n)
  await start(ids)
  await allEnded
  const seconds = (performance.now() - startedAt) / 1_000
  const { user, system } = process.cpuUsage(cpuBefore)
  const { rows } = await pool.query('SELECT count(*)::int AS hops FROM bare_attempts WHERE run_id = ANY($1)', [ids])
  return { seconds, cpuMicros: user + system, hops: rows[0].hops }
}

/** @returns milliseconds of each of `n` runs that have the chain to themselves */
async function idle({ n }: { readonly n: number }): Promise<number[]> {
  const times: number[] = []
  for (const id of await insertRuns(n)) {
    const startedAt = performance.now()
    const ended = ends.after(1)
    await addTo(queues[0]!, { runId: id, seq: 0 })
    await ended
    times.push(performance.now() - startedAt)
  }
  return times
}

answerCalls({ open, round, idle }, async () => {
  await Promise.all(workers.map((worker) => worker.close()))
  redis?.disconnect()
  await pool?.end()
})
