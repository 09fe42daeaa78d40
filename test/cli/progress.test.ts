import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { startProgress } from '#cli/progress.ts'

function recordingStream(isTTY: boolean) {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, callback) {
      text += String(chunk)
      callback()
    },
  })
  const terminal = { isTTY, columns: 80, cursorTo: () => true, moveCursor: () => true, clearLine: () => true }
  return { stream: Object.assign(stream, terminal) as unknown as NodeJS.WriteStream, text: () => text }
}

test('where there is no terminal, about ten plain lines tell how far it is, and the last one that it is done', () => {
  const { stream, text } = recordingStream(false)
  const progress = startProgress('tickets', 250, stream)
  for (let done = 1; done <= 250; done++) progress.update(done)
  progress.stop()
  const lines = text().split('\n').slice(0, -1)
  expect(lines).toEqual([25, 50, 75, 100, 125, 150, 175, 200, 225, 250].map((done) => `tickets: ${done}/250`))
})

test('steps larger than a tenth, steps back and an empty total say each thing once', () => {
  const big = recordingStream(false)
  const progress = startProgress('files', 3, big.stream)
  for (const done of [0, 1, 1, 0, 3, 3]) progress.update(done)
  expect(big.text()).toBe('files: 1/3\nfiles: 3/3\n')
  const none = recordingStream(false)
  startProgress('files', 0, none.stream).update(0)
  expect(none.text()).toBe('files: 0/0\n')
})

test('on a terminal there is one bar with the counts', () => {
  const { stream, text } = recordingStream(true)
  const progress = startProgress('tickets', 4, stream)
  progress.update(4)
  progress.stop()
  expect(text()).toContain('tickets')
  expect(text()).toContain('4/4')
})
