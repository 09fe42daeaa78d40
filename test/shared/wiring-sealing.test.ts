import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { newKey } from '#shared/adapters/sealing/key-file.ts'
import { readConfig } from '#shared/config.ts'
import { Database } from '#shared/database/client.ts'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { migrate } from '#shared/database/migrate.ts'
import { openSealer } from '#shared/wiring-sealing.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'

let folder: string
let database: Database
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sealing-'))
  database = new Database(await openPgliteInMemory())
  await migrate(database)
})
afterAll(async () => {
  await database.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  await database.asSystem('a new installation', 'DELETE FROM seal_check')
})

let names = 0
const newFolder = () => join(folder, String(++names))
const start = async (environment: Record<string, string>) => {
  const log = recordingLog()
  const sealer = await openSealer(readConfig({ DATA_DIR: newFolder(), ...environment }), database, log)
  return { sealer, warnings: log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message) }
}
const SERVER = { DATABASE_URL: 'postgres://somewhere/answerline' }

test('beside an embedded database a key is made at the first start, for its owner alone, and found at the next', async () => {
  const dataDir = newFolder()
  const first = await start({ DATA_DIR: dataDir })
  expect(first.warnings).toEqual([expect.stringContaining('keep a copy of it')])
  expect(statSync(join(dataDir, 'pii-keys')).mode & 0o777).toBe(0o600)
  const sealed = first.sealer.seal('hello', ['acme', 'reply', 'run_1'])
  const second = await start({ DATA_DIR: dataDir })
  expect(second.warnings).toEqual([])
  expect(second.sealer.open(sealed, ['acme', 'reply', 'run_1'])).toBe('hello')
})

test('a server without a key is written to unsealed, with a warning, until a process with a key has come', async () => {
  const { sealer, warnings } = await start(SERVER)
  expect(sealer.seals).toBe(false)
  expect(warnings).toEqual([expect.stringContaining('PII_KEYS is not set')])
  await start({ ...SERVER, PII_KEYS: newKey() })
  await expect(start(SERVER)).rejects.toThrow(/sealed with the key [0-9a-f]{8}, which this process does not have: set PII_KEYS/)
})

test('a process with another key does not start, whether it is in the environment or in a file', async () => {
  await start({ ...SERVER, PII_KEYS: newKey() })
  await expect(start({ ...SERVER, PII_KEYS: newKey() })).rejects.toThrow('does not have: set PII_KEYS')
  const file = join(folder, 'other-keys')
  await expect(start({ ...SERVER, PII_KEYS_FILE: file })).rejects.toThrow(`put it into ${file}`)
  expect(() => readFileSync(file), 'a new key would only hide that the old one is lost').toThrow('ENOENT')
  await expect(start({})).rejects.toThrow('pii-keys')
})

test('two processes that start first at the same moment with different keys do not both go on', async () => {
  const starts = await Promise.allSettled([newKey(), newKey()].map((key) => start({ ...SERVER, PII_KEYS: key })))
  expect(starts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})

test('a shared file that is not there yet is made once, by whoever is first', async () => {
  const file = join(folder, 'shared', 'keys')
  const starts = await Promise.all([1, 2, 3].map(() => start({ ...SERVER, PII_KEYS_FILE: file })))
  const sealed = starts[0]!.sealer.seal('hello', ['', 'x'])
  for (const { sealer } of starts) expect(sealer.open(sealed, ['', 'x'])).toBe('hello')
})

test('a new key before the old one takes over, and the old one still opens', async () => {
  const [old, fresh] = [newKey(), newKey()]
  const before = await start({ ...SERVER, PII_KEYS: old })
  const sealed = before.sealer.seal('hello', ['', 'x'])
  const after = await start({ ...SERVER, PII_KEYS: `${fresh}, ${old}` })
  expect(after.sealer.open(sealed, ['', 'x'])).toBe('hello')
  expect(after.sealer.stateOf(sealed)).toBe('older')
})
