import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { adminKey, hashKey } from '#cli/admin-key.ts'
import { readConfig } from '#shared/config.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'admin-key-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const config = (more: Record<string, string> = {}) => readConfig({ DATA_DIR: join(folder, 'data'), ...more })
const file = () => join(folder, 'data', 'admin-key')

test('the first start makes a key of 256 random bits that only its owner can read; later starts find it', () => {
  const first = adminKey(config())
  expect(first).toMatchObject({ isNew: true, file: file() })
  expect(first.key).toMatch(/^al_[A-Za-z0-9_-]{43}$/)
  expect(statSync(file()).mode & 0o777).toBe(0o600)
  expect(readFileSync(file(), 'utf8').trim()).toBe(first.key)
  expect(adminKey(config())).toEqual({ key: first.key, isNew: false, file: file() })
  expect(adminKey(readConfig({ DATA_DIR: join(folder, 'other') })).key).not.toBe(first.key)
})

test('the environment’s key is used as it is and never written', () => {
  expect(adminKey(config({ ADMIN_API_KEY: 'my-own-key-of-32-characters-here' }))).toEqual({
    ...{ key: 'my-own-key-of-32-characters-here', isNew: false, file: undefined },
  })
  expect(() => readFileSync(file())).toThrow(/ENOENT/)
})

test('an empty file holds no key: a new one takes its place', () => {
  adminKey(config())
  writeFileSync(file(), '\n')
  const { key, isNew } = adminKey(config())
  expect(isNew).toBe(true)
  expect(key.length).toBeGreaterThan(40)
})

test('what cannot be read is an error, not a reason to replace it', () => {
  expect(() => adminKey(readConfig({ DATA_DIR: '/dev/null' }))).toThrow(/ENOTDIR/)
})

test('keys are compared by their SHA-256', () => {
  expect(hashKey('abc').toString('hex')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})
