import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPglite } from '#shared/database/engine.pglite.ts'

let parent: string
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'pglite-'))
})
afterAll(() => rmSync(parent, { recursive: true, force: true }))

test('a directory is made, held by one opener, survives a reopen, and a failed statement does not poison the next', async () => {
  const folder = join(parent, 'made', 'on demand')
  const first = await openPglite(folder)
  await first.query('CREATE TABLE kept (big bigint, cost numeric(14, 8), at timestamptz, body jsonb)', [])
  await first.query('INSERT INTO kept VALUES ($1, $2, $3, $4::jsonb)', [2 ** 40, 0.12345678, new Date(5), '{"a":[1]}'])
  await expect(openPglite(folder)).rejects.toThrow(/in use by process \d+.*DATABASE_URL/)
  await expect(first.query('INSERT INTO kept VALUES (1 / 0)', [])).rejects.toThrow(/division by zero/)
  expect(await first.query('SELECT count(*) AS n FROM kept', [])).toEqual([{ n: 1 }])
  await first.close()

  const second = await openPglite(folder)
  expect(await second.query('SELECT * FROM kept', [])).toEqual([
    { big: 2 ** 40, cost: 0.12345678, at: new Date(5), body: { a: [1] } },
  ])
  await second.close()
})
