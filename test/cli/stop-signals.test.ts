import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { tiedToUs } from '#test/servers/tied-to-us.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function start(how: 'clean' | 'never' | 'broken') {
  const [program, args] = tiedToUs(process.execPath, [join(import.meta.dirname, 'wait-for-signal.ts'), how])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  let text = ''
  child.stdout!.on('data', (chunk) => {
    text += String(chunk)
  })
  const ended = once(child, 'close')
  await expect.poll(() => text, { timeout: 20_000 }).toContain('ready')
  return { child, text: () => text, ended }
}

test.for(['SIGINT', 'SIGTERM'] as const)('%s stops cleanly, says so, and ends with 0', async (signal) => {
  const { child, text, ended } = await start('clean')
  child.kill(signal)
  expect(await ended).toEqual([0, null])
  expect(text()).toMatch(/stopping: .*\nstopped; what was stored is there at the next start\n$/)
})

test('a second signal ends a stop that hangs, at once and with 1', async () => {
  const { child, text, ended } = await start('never')
  child.kill('SIGINT')
  await expect.poll(text, { timeout: 10_000 }).toContain('stopping')
  child.kill('SIGTERM')
  expect(await ended).toEqual([1, null])
  expect(text()).not.toContain('stopped;')
})

test('a stop that fails says why and ends with 1', async () => {
  const { child, text, ended } = await start('broken')
  child.kill('SIGTERM')
  expect(await ended).toEqual([1, null])
  expect(text()).toContain('could not stop cleanly: Error: the database is away')
})
