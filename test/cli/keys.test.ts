import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { keysRotate } from '#cli/commands/keys.ts'
import { newKey } from '#shared/wiring-sealing.ts'
import { putMigratedPglite } from '#test/servers/migrated-pglite.ts'
import { listen } from './stand-in-api.ts'

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'))
  await putMigratedPglite(folder)
})
afterAll(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

test('before anything is sealed anew it says what must have been done by then, and where the steps stand', async () => {
  vi.stubEnv('DATABASE_URL', '')
  vi.stubEnv('DATA_DIR', folder)
  vi.stubEnv('PII_KEYS', newKey())
  const said = listen()
  expect(await keysRotate()).toBe(0)
  expect(said[0]).toMatch(/every process must have been restarted with the new key in front.*docs\/operations\.md/)
  expect(said.at(-1)).toContain('everything is sealed with the first key')
})
