import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { expect, test } from 'vitest'

/** The house rules of docs/architecture.md, executed. */

const root = join(import.meta.dirname, '..')
const ROOMS = ['api', 'cli', 'dashboards', 'pipelines', 'shared', 'workers']
const SHARED = new Set([
  'adapters',
  'config.ts',
  'database',
  'domain',
  'migrations',
  'ports',
  'text',
  'wiring.ts',
  'wiring-batches.ts',
  'wiring-budget.ts',
  'wiring-models.ts',
  'wiring-sealing.ts',
  'wiring-search.ts',
])

/** What each room may import from, itself aside. Longest name wins. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'shared/text': [],
  'shared/domain': ['shared/text'],
  'shared/ports': ['shared/domain'],
  'shared/database': ['shared/domain'],
  'shared/adapters': ['shared/domain', 'shared/text', 'shared/ports', 'shared/database'],
  'shared/config.ts': [],
  'shared/wiring': ['shared/config.ts', 'shared/domain', 'shared/ports', 'shared/database', 'shared/adapters'],
  pipelines: ['shared/domain'],
  workers: ['pipelines', 'shared/domain', 'shared/text', 'shared/ports'],
  api: ['pipelines', 'shared/domain', 'shared/text', 'shared/ports'],
  dashboards: ['pipelines', 'shared/domain', 'shared/text', 'shared/ports'],
  cli: ['api', 'dashboards', 'pipelines', 'shared', 'workers'],
}
const rooms = Object.keys(MAY_IMPORT).toSorted((a, b) => b.length - a.length)
const roomOf = (file: string) =>
  rooms.find((room) => file === room || file.startsWith(room.includes('.') || room === 'shared/wiring' ? room : `${room}/`))

const files = ROOMS.flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${room}/${file}`),
)
const textOf = (file: string) => readFileSync(join(root, file), 'utf8')
const IMPORT = /(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g
const importsOf = (file: string) =>
  [...textOf(file).matchAll(IMPORT)]
    .map((match) => (match[1] ?? match[2] ?? match[3])!)
    .filter((target) => target.startsWith('#') || target.startsWith('.'))
    .map((target) => (target.startsWith('#') ? target.slice(1) : normalize(join(dirname(file), target))))

test('the test sees the house', () => {
  expect(files.length).toBeGreaterThan(100)
  expect(importsOf('workers/run-step.ts')).toContain('pipelines/pipeline.ts')
})

test('every import goes downhill', () => {
  const uphill = files.flatMap((file) => {
    const from = roomOf(file)
    return importsOf(file)
      .filter((target) => {
        const to = roomOf(target)
        return (
          to !== from &&
          !(MAY_IMPORT[from ?? ''] ?? []).some((allowed) => to === allowed || (allowed === 'shared' && to?.startsWith('shared')))
        )
      })
      .map((target) => `${file} -> ${target}`)
  })
  expect(uphill).toEqual([])
})

test('no file imports itself through others', () => {
  const state = new Map<string, 'open' | 'done'>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
      return
    }
    state.set(file, 'open')
    for (const target of importsOf(file)) if (files.includes(target)) visit(target, [...path, file])
    state.set(file, 'done')
  }
  for (const file of files) visit(file, [])
  expect(cycles).toEqual([])
})

test('no file passes 300 lines', () => {
  expect(files.filter((file) => textOf(file).split('\n').length > 300)).toEqual([])
})

test('no name is a junk drawer', () => {
  const junk = /(?:^|\/)(?:utils?|helpers?|common|misc|types|constants|index)(?:\.ts|\/)/
  expect(files.filter((file) => junk.test(file))).toEqual([])
})

test('shared is a closed list of folders', () => {
  expect(readdirSync(join(root, 'shared')).filter((name) => !SHARED.has(name))).toEqual([])
})

test('only the configuration reads the environment', () => {
  expect(files.filter((file) => file !== 'shared/config.ts' && /\bprocess\.env\b/.test(textOf(file)))).toEqual([])
})

test('only the clock reads the time and throws the dice, outside the command line', () => {
  // BullMQ measures its delays by this process's clock, so its adapter must, too.
  const allowed = new Set(['shared/adapters/state/clock.system.ts', 'shared/adapters/state/consumer.bullmq.ts'])
  const readers = files.filter(
    (file) =>
      !file.startsWith('cli/') && !allowed.has(file) && /\bDate\.now\(\)|\bnew Date\(\)|\bMath\.random\b/.test(textOf(file)),
  )
  expect(readers).toEqual([])
})

test('file names are kebab-case, with the variant behind a dot', () => {
  const named = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)?\.ts$/
  expect(files.filter((file) => !named.test(relative(dirname(file), file)))).toEqual([])
})
