import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { demoMark } from '#cli/demo-mark.ts'

let folder: string
let dataDir: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'demo-mark-'))
  dataDir = join(folder, 'data')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const embedded = () => demoMark({ dataDir, databaseUrl: undefined })
const onServer = () => demoMark({ dataDir, databaseUrl: 'postgres://127.0.0.1/x' })
const openedDatabase = () => mkdirSync(join(dataDir, 'pglite'), { recursive: true })

test('a first start that was broken off loads the demo at the next, and once', () => {
  embedded().beforeStart()
  openedDatabase()
  const next = embedded()
  next.beforeStart()
  expect(next.isUnfinished()).toBe(true)
  next.loaded()
  expect(embedded().isUnfinished()).toBe(false)
})

test('an installation of before gets no demo that it did not ask for', () => {
  openedDatabase()
  const later = embedded()
  later.beforeStart()
  expect(later.isUnfinished()).toBe(false)
})

test('on a server’s database the first start is the one that made its tenant', () => {
  const first = onServer()
  first.beforeStart()
  expect(first.isUnfinished()).toBe(false)
  first.onFirstStart()
  expect(onServer().isUnfinished()).toBe(true)
  first.loaded()
  const second = onServer()
  second.beforeStart()
  expect(second.isUnfinished()).toBe(false)
})
