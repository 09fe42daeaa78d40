import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeKeyFile, newKey, readKeyFile } from '#shared/adapters/sealing/key-file.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'key-file-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a key file is made once, for its owner alone, and leaves nothing beside it', () => {
  const path = join(folder, 'deep', 'pii-keys')
  expect(readKeyFile(path)).toBeUndefined()
  const keys = makeKeyFile(path)
  expect(Buffer.from(keys[0]!, 'base64')).toHaveLength(32)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(makeKeyFile(path)).toEqual(keys)
  expect(readKeyFile(path)).toEqual(keys)
  expect(readdirSync(join(folder, 'deep'))).toEqual(['pii-keys'])
})

test('a key file may hold several keys with notes between them; the first stays the first', () => {
  const path = join(folder, 'ring')
  const [first, second] = [newKey(), newKey()]
  writeFileSync(path, `# of November\n${first}\n\n  ${second}  \n`)
  expect(readKeyFile(path)).toEqual([first, second])
})

test('a key file that holds something else is refused, with what to do', () => {
  for (const content of ['', '# nothing\n', 'secret', `${newKey()}\nsecret`, Buffer.alloc(16).toString('base64')]) {
    const path = join(folder, 'bad')
    writeFileSync(path, content)
    expect(() => readKeyFile(path), content).toThrow(/must hold keys of 32 bytes.*answerline keys new/)
  }
  expect(() => readKeyFile(folder)).toThrow('cannot be read')
})
