import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'
import { tiedToUs } from './tied-to-us.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const START_TIMEOUT_MS = 60_000
/** Of `answerline`'s own promise to stop within 20 s; beyond this something hangs. */
const STOP_TIMEOUT_MS = 40_000

export type Process = {
  readonly name: string
  readonly pid: number
  readonly url: string
  readonly running: () => boolean
  /** All that it printed. */
  readonly log: () => string
  /** The process is gone at once, as in a crash. */
  kill9(): Promise<void>
  /** SIGTERM, and waits for the end. */
  terminate(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly tookMs: number }>
  signal(signal: NodeJS.Signals): void
}
export type ProcessOptions = {
  /** Names the log file in `folder`. */
  readonly name: string
  readonly folder: string
  /** As a user would type it: `['api']`, `['work', '--steps', 'generate']`, `['up']`. */
  readonly args: readonly string[]
  /** The whole environment, apart from PORT: nothing of ours leaks in. */
  readonly env: Readonly<Record<string, string>>
  /** Another entry file than the command line's. */
  readonly entry?: string
}

/** One process of an installation, as a user would start it; resolves when it answers. */
export async function startAnswerline({
  name,
  folder,
  args,
  env,
  entry = 'cli/answerline.ts',
}: ProcessOptions): Promise<Process> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const logFile = join(folder, `${name}.log`)
  const out = openSync(logFile, 'a')
  const log = () => readFileSync(logFile, 'utf8')
  const [program, programArgs] = tiedToUs(process.execPath, [join(ROOT, entry), ...args])
  const child = spawn(program, programArgs, {
    cwd: ROOT,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ...env, PORT: String(port) },
    stdio: ['ignore', out, out],
  })
  const running = () => child.exitCode === null && child.signalCode === null
  await untilAnswering(url, running).catch((error) => {
    child.kill('SIGKILL')
    throw new Error(`${name}: ${String(error)}\n${log().slice(-2_000)}`)
  })
  const exited = async (timeoutMs: number) => {
    if (running()) await Promise.race([once(child, 'exit'), sleep(timeoutMs, undefined, { ref: false })])
    return { code: child.exitCode, signal: child.signalCode }
  }
  return {
    name,
    pid: child.pid!,
    url,
    running,
    log,
    signal: (signal) => void child.kill(signal),
    async kill9() {
      child.kill('SIGKILL')
      await exited(5_000)
    },
    async terminate() {
      const startedAt = performance.now()
      child.kill('SIGTERM')
      const end = await exited(STOP_TIMEOUT_MS)
      const tookMs = performance.now() - startedAt
      if (running()) child.kill('SIGKILL')
      return { ...end, tookMs }
    },
  }
}

async function untilAnswering(url: string, running: () => boolean): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const answers = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.ok,
      () => false,
    )
    if (answers) return
    if (!running()) throw new Error('ended before it answered')
    if (performance.now() > deadline) throw new Error(`does not answer after ${START_TIMEOUT_MS} ms`)
    await sleep(50)
  }
}
