import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { holdDirectory } from '#shared/database/directory-lock.ts'
import { tiedToUs } from '#test/servers/tied-to-us.ts'

let folder: string
const children: ChildProcess[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** @returns the process and the first line that it prints */
async function holder(): Promise<{ child: ChildProcess; said: string }> {
  const [program, args] = tiedToUs(process.execPath, ['--expose-gc', join(import.meta.dirname, 'hold-directory.ts'), folder])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = await once(child.stdout!, 'data')
  return { child, said: String(line).trim() }
}

test('a second process is refused with the first one’s id and with advice', async () => {
  const { child, said } = await holder()
  expect(said).toBe('held')
  expect(() => holdDirectory(folder, 'Use another.')).toThrow(`${folder} is in use by process ${child.pid}. Use another.`)
  expect((await holder()).said).toBe(`refused: ${folder} is in use by process ${child.pid}. Use another.`)
})

test('the lock outlives a garbage collection, though nobody keeps what takes it off', async () => {
  expect((await holder()).said).toBe('held')
  expect((await holder()).said).toContain('refused')
})

test('the lock goes with a process that is killed', async () => {
  const { child } = await holder()
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  const release = holdDirectory(folder, 'Use another.')
  release()
})

test('this process cannot hold a directory twice, and can again after letting go', () => {
  const release = holdDirectory(folder, 'Use another.')
  expect(() => holdDirectory(folder, 'Use another.')).toThrow(`in use by process ${process.pid}`)
  release()
  holdDirectory(folder, 'Use another.')()
})

test('a directory that cannot be used at all is not called taken', () => {
  expect(() => holdDirectory(join(folder, 'missing'), 'Use another.')).toThrow(/unable to open/)
})
