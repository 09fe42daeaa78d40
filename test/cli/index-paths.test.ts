import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { indexPaths } from '#cli/commands/index-paths.ts'
import { listen, type StandInApi, standInApi } from './stand-in-api.ts'

let api: StandInApi
let folder: string
let said: string[]
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'index-paths-'))
  mkdirSync(join(folder, 'sub.d'))
  mkdirSync(join(folder, '.git'))
  for (const name of ['a.md', 'logo.png', 'sub.d/table.csv', 'sub.d/LICENCE', '.git/config'])
    writeFileSync(join(folder, name), `# ${name}`)
  said = listen()
  api = await standInApi({
    'POST /v1/documents': { documentId: 'd' },
    'GET /v1/documents/d': { documentId: 'd', state: 'indexed', error: null },
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await api.close()
  rmSync(folder, { recursive: true, force: true })
})

test('paths that are not there are all named, before anything is sent', async () => {
  const wrong = ['nope', 'gone.md'].map((name) => join(folder, name))
  await expect(indexPaths([folder, ...wrong])).rejects.toThrow(
    `there is no file or folder "${wrong[0]}"; there is no file or folder "${wrong[1]}"; nothing was sent`,
  )
  await expect(indexPaths(['/dev/null'])).rejects.toThrow('"/dev/null" is neither a file nor a folder')
  expect(api.paths()).toEqual([])
})

test('files of a folder that are left out for their type are counted, hidden ones aside', async () => {
  expect(await indexPaths([folder])).toBe(0)
  expect(said[0]).toMatch(/^answerline: left out 3 files of other types than \.md, /)
  expect(said.at(-1)).toBe('1 of 1 documents are indexed')
  expect(await indexPaths([join(folder, 'sub.d')])).toBe(1)
  said.length = 0
  expect(await indexPaths([join(folder, 'logo.png')])).toBe(0)
  expect(said).toEqual(['1 of 1 documents are indexed'])
})
