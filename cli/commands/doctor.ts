import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdirSync, statfsSync } from 'node:fs'
import { type Config, ConfigError, readConfig } from '#shared/config.ts'
import { probeStores } from '#shared/wiring.ts'

type Finding = { readonly what: string; readonly ok: boolean; readonly detail: string }

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
    ...(await checkStores(config)),
    await checkPort(config),
  ]
  for (const finding of findings) print(finding)
  return findings.every(({ ok }) => ok) ? 0 : 1
}

const print = ({ what, ok, detail }: Finding) => console.log(`${ok ? 'ok  ' : 'FAIL'} ${what.padEnd(14)} ${detail}`)

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
    const body = await response.text()
    return {
      what: 'server',
      ok: response.ok,
      detail: response.ok ? `runs at ${url} and is ready` : `runs at ${url} but is not ready: ${body.slice(0, 300)}`,
    }
  } catch {
    return { what: 'server', ok: true, detail: `nothing runs at ${url}; \`npm start\` starts it` }
  }
}
