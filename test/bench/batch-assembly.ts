import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import type { BatchBench, BatchProviderName } from './batch-config.ts'
import { rounded } from './figures.ts'
import { residentMb } from './resident.ts'
import type { Side } from './side.ts'

/** Some bytes are the frame of a line: 50,000 lines of exactly 4 KB would not fit into the 200 MB that one file may have. */
const BODY_BYTES = 4_096 - 400
const ROOT = join(import.meta.dirname, '..', '..')
const PATIENCE_MS = 10 * 60_000
const STOP_TIMEOUT_MS = 25_000

type Packed = { seconds: number | null; requests: number; state: string; open: number }

/**
 * One batch of large requests on a database of its own, by the product's own command (`answerline work --steps batch`, with the flags
 * that `npm run answerline` has and the settings that it ships with): packed, sent, polled, and every result applied. Its memory is the
 * kernel's peak, so no sample misses it.
 */
export async function assemble(
  bench: BatchBench,
  requests: number,
  provider: BatchProviderName,
  open: (file: string) => Side,
): Promise<{
  assembledRequests: number
  assembledBytes: number
  assembleSeconds: number
  workerMb: Record<string, number>
  workerFlags: string[]
}> {
  const filler = open('batch-runs.ts')
  await filler.call('open', bench)
  await filler.call('stopWorking')
  const assembledBytes = await filler.call<number>('fill', { n: requests, bodyBytes: BODY_BYTES, provider })
  const flags = shippedFlags()
  const worker = startCommand(bench, provider, flags)
  try {
    await until(worker, async () => (await filler.call<Packed | undefined>('assembled')) !== undefined)
    const idleMb = residentMb(worker.pid!, 'VmRSS')
    let sent: { seconds: number; mb: number } | undefined
    await until(worker, async () => {
      const batch = (await filler.call<Packed | undefined>('assembled'))!
      if (batch.seconds !== null) sent ??= { seconds: batch.seconds, mb: residentMb(worker.pid!, 'VmHWM') }
      return batch.state === 'done' && batch.open === 0
    })
    const workerMb = { atPacking: idleMb, untilSubmitted: sent!.mb, untilApplied: residentMb(worker.pid!, 'VmHWM') }
    return { assembledRequests: requests, assembledBytes, assembleSeconds: rounded(sent!.seconds), workerMb, workerFlags: flags }
  } finally {
    await ended(worker)
  }
}

/** What `npm run answerline` gives to Node. */
function shippedFlags(): string[] {
  const { scripts } = z
    .object({ scripts: z.object({ answerline: z.string() }) })
    .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')))
  return scripts.answerline.split(' ').filter((part) => part.startsWith('--'))
}

function startCommand(bench: BatchBench, provider: BatchProviderName, flags: readonly string[]): ChildProcess {
  const key = { openai: 'OPENAI', anthropic: 'ANTHROPIC' }[provider]
  const env = {
    PORT: '0',
    LOG_LEVEL: 'warn',
    REDIS_URL: bench.redisUrl,
    DATABASE_URL: bench.databaseUrl,
    DATA_DIR: join(bench.dataDir, 'command'),
    [`${key}_API_KEY`]: 'simulated',
    [`${key}_BASE_URL`]: provider === 'openai' ? `${bench.simulatorUrl}/v1` : bench.simulatorUrl,
  }
  const command = [...flags, join(ROOT, 'cli', 'answerline.ts'), 'work', '--steps', 'batch']
  return spawn(process.execPath, command, { env, stdio: ['ignore', 'ignore', 'inherit'] })
}

async function until(worker: ChildProcess, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (worker.exitCode !== null) throw new Error(`the batch worker ended (${worker.exitCode})`)
    if (performance.now() > deadline) throw new Error('the batch was not done in time')
    await sleep(200)
  }
}

async function ended(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null) return
  const exited = new Promise((resolve) => worker.once('exit', resolve))
  worker.kill('SIGTERM')
  const timer = setTimeout(() => worker.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await exited
  clearTimeout(timer)
}
