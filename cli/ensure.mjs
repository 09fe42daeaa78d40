// Runs before every npm script, on whatever Node the machine has (>= 20), so it is plain JavaScript without dependencies.
// It makes a bare clone ready: installs exactly what the lock file names when that has not happened yet, and makes sure a
// Node >= 24 (which runs TypeScript directly) is in reach. On linux-x64 the lock file brings one along.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(root, 'node_modules', '.lock-sha256')
const lockHash = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')

function fail(message) {
  console.error(`answerline: ${message}`)
  process.exit(1)
}

if (!existsSync(stamp) || readFileSync(stamp, 'utf8').trim() !== lockHash) {
  console.error('answerline: installing packages (first start, or the lock file changed) …')
  // ONNXRUNTIME_NODE_INSTALL: nothing may be downloaded beyond the registry's own packages.
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  })
  if (npm.status !== 0)
    fail('`npm ci` failed; its messages are above. Mend that (network, disk, proxy) and run the command again.')
  writeFileSync(stamp, `${lockHash}\n`)
  console.error('answerline: packages are installed.')
}

const probe = spawnSync('node', ['--version'], {
  encoding: 'utf8',
  env: { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` },
})
const major = Number(/^v(\d+)/.exec(probe.stdout ?? '')?.[1] ?? 0)
if (major < 24) {
  fail(
    `Node 24 or newer is needed to run TypeScript directly, found ${probe.stdout?.trim() || 'none'}. ` +
      'On linux-x64 it comes with the packages; elsewhere install Node 24 (for example from nodejs.org or with `nvm install 24`) and run the command again.',
  )
}
