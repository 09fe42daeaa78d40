import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs'
import * as z from 'zod'
import { type Config, ConfigError, readConfig } from '#shared/config.ts'
import { probeStores } from '#shared/wiring.ts'
import { keyFileOf } from '#shared/wiring-sealing.ts'
import { plainText } from '../plain-text.ts'

/** A start goes through with what is `doubtful`, and somebody should know. */
type Finding = { readonly what: string; readonly ok: boolean; readonly doubtful?: boolean; readonly detail: string }

const MIN_NODE = 24
const MIN_FREE_BYTES = 1_000_000_000

/** Looks at everything a start depends on and says what to do about what is wrong. @returns the exit code */
export async function doctor(): Promise<number> {
  let config: Config
  try {
    config = readConfig()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) print({ what: 'configuration', ok: false, detail: problem })
    return 1
  }
  const findings = [
    checkNode(),
    { what: 'configuration', ok: true, detail: 'valid' },
    checkDataDir(config),
    checkKeys(config),
    ...(await checkStores(config)),
    await checkPort(config),
  ]
  for (const finding of findings) print(finding)
  return findings.every(({ ok }) => ok) ? 0 : 1
}

const mark = ({ ok, doubtful }: Finding) => (ok ? (doubtful ? 'WARN' : 'ok  ') : 'FAIL')
const print = (finding: Finding) => console.log(`${mark(finding)} ${finding.what.padEnd(14)} ${finding.detail}`)

function checkNode(): Finding {
  const major = Number(process.versions.node.split('.')[0])
  return {
    what: 'node',
    ok: major >= MIN_NODE,
    detail: major >= MIN_NODE ? process.version : `${process.version}; install Node ${MIN_NODE} or newer`,
  }
}

function checkDataDir({ dataDir }: Config): Finding {
  try {
    mkdirSync(dataDir, { recursive: true })
    accessSync(dataDir, constants.W_OK)
    const { bavail, bsize } = statfsSync(dataDir)
    const free = bavail * bsize
    const detail = `${dataDir}, ${(free / 1e9).toFixed(1)} GB free`
    return {
      what: 'data folder',
      ok: free >= MIN_FREE_BYTES,
      detail: free >= MIN_FREE_BYTES ? detail : `${detail}; make room or set DATA_DIR`,
    }
  } catch (error) {
    return { what: 'data folder', ok: false, detail: `${dataDir} cannot be written: ${(error as Error).message}; set DATA_DIR` }
  }
}

function checkKeys(config: Config): Finding {
  const what = 'keys'
  if (config.piiKeys) return { what, ok: true, detail: `${config.piiKeys.length} in PII_KEYS` }
  const file = keyFileOf(config)
  if (file !== undefined)
    return {
      what,
      ok: true,
      detail: existsSync(file) ? `in ${file}` : `a first start makes one: ${file}; keep a copy of it elsewhere`,
    }
  const detail =
    'PII_KEYS is not set: what customers write stands readable in the database, and one that was sealed refuses to start; `answerline keys new` prints a key'
  return { what, ok: true, doubtful: true, detail }
}

async function checkStores(config: Config): Promise<Finding[]> {
  const probed = await probeStores(config)
  const findings = probed.map(({ name, ok, detail }) => ({ what: name, ok, detail }))
  if (config.redisUrl === undefined) {
    const found = spawnSync('sh', ['-c', 'command -v redis-server || command -v valkey-server'], {
      encoding: 'utf8',
    }).stdout.trim()
    findings.push({
      what: 'redis',
      ok: found !== '',
      detail:
        found === ''
          ? 'none on PATH; run `sudo apt-get install redis-server` or set REDIS_URL'
          : `a private server from ${found}`,
    })
  }
  return findings
}

async function checkPort({ host, port }: Config): Promise<Finding> {
  const url = `http://${host}:${port}`
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) })
    const problem = notReady(response.status, await response.text())
    const detail = problem === undefined ? `runs at ${url} and is ready` : `${url} ${problem}`
    return { what: 'server', ok: problem === undefined, detail }
  } catch {
    return { what: 'server', ok: true, detail: `nothing runs at ${url}; \`npm start\` starts it` }
  }
}

const Readiness = z.object({ checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().default('failed') })) })

/** @returns what keeps it from being ready, or undefined */
function notReady(status: number, body: string): string | undefined {
  const readiness = Readiness.safeParse(jsonOf(body))
  if (!readiness.success) return `answers ${status}, but not as Answerline does: see what runs there, or set PORT to another one`
  const failing = Object.entries(readiness.data.checks).filter(([, { ok }]) => !ok)
  if (failing.length === 0) return undefined
  return `runs but is not ready: ${failing.map(([name, { detail }]) => `${name} (${plainText(detail)})`).join(', ')}`
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
