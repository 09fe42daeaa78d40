import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** What is installed, judged by the lock file alone: nothing here asks a network. */
const root = join(import.meta.dirname, '../..')
type Locked = {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
  readonly optional?: boolean
  readonly dev?: boolean
  readonly link?: boolean
}
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> }
const locked = Object.entries(lock.packages).filter(([path]) => path !== '')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string>>

test('every package is locked with a strong hash of its content, and comes from nowhere but a registry', () => {
  expect(locked.length).toBeGreaterThan(200)
  expect(
    locked.filter(([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '')).map(([path]) => path),
  ).toEqual([])
  expect(locked.filter(([, { link, version }]) => link || !/^\d+\.\d+\.\d+/.test(version ?? '')).map(([path]) => path)).toEqual(
    [],
  )
  expect(
    locked.filter(([, { resolved }]) => resolved !== undefined && !resolved.startsWith('https://')).map(([path]) => path),
  ).toEqual([])
})

test('what is asked for is asked for by exact version, never by range, tag, folder or repository', () => {
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies', 'overrides'])
    for (const [name, version] of Object.entries(manifest[kind] ?? {})) expect(version, name).toMatch(/^\d+\.\d+\.\d+$/)
})

/** Each was looked at; a new one fails here until somebody has. */
const WITH_INSTALL_SCRIPT = ['msgpackr-extract']

test('no package runs a script when it is installed, but for those that were looked at', () => {
  const scripted = locked
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
  expect([...new Set(scripted)].toSorted()).toEqual(WITH_INSTALL_SCRIPT)
  // And of those none is run: a package works with what its archive holds.
  for (const file of ['cli/ensure.mjs', 'Dockerfile'])
    expect(readFileSync(join(root, file), 'utf8').match(/'ci'.{0,60}|npm ci.{0,60}/)?.[0], file).toContain('--ignore-scripts')
  const own = Object.keys(manifest.scripts ?? {})
  expect(own.filter((name) => /^(?:pre|post)?(?:install|prepare)$/.test(name))).toEqual([])
})

const files = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file}`)
    .filter((file) => statSync(join(root, file)).isFile())
const PRODUCT = ['api', 'cli', 'dashboards', 'demo', 'pipelines', 'shared', 'workers']

test('learned weights are data: no serialised program is loaded, and text never becomes code', () => {
  const all = PRODUCT.flatMap(files)
  expect(all.filter((file) => /\.(?:pkl|pickle|pt|pth|joblib|h5|keras|node|so|wasm)$/.test(file))).toEqual([])
  const code = all.filter((file) => /\.(?:ts|mjs|js)$/.test(file))
  const makesCode =
    /\beval\(|\bnew Function\(|['"]node:vm['"]|\bexec(?:Sync)?\b[^}]{0,80}\} from 'node:child_process'|shell: true/
  expect(code.filter((file) => makesCode.test(readFileSync(join(root, file), 'utf8')))).toEqual([])
})

test('models are named by pinned version: what has no price in the table cannot be called', () => {
  const table = readFileSync(join(root, 'shared/domain/model-table.ts'), 'utf8')
  expect(table).not.toMatch(/['"][\w.-]+-latest['"]/)
})

test('no key or private key is in the repository', () => {
  const secret =
    /\bsk-[A-Za-z0-9_-]{32,}|\bAKIA[0-9A-Z]{16}\b|\bghp_[A-Za-z0-9]{36}\b|-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}/
  const text = PRODUCT.flatMap(files).filter((file) => /\.(?:ts|mjs|md|json|jsonl|ya?ml|sql)$/.test(file))
  expect(text.filter((file) => secret.test(readFileSync(join(root, file), 'utf8')))).toEqual([])
})
