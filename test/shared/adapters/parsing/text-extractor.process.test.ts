import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createProcessExtractor, type ProcessExtractorOptions } from '#shared/adapters/parsing/text-extractor.process.ts'
import { endlessPdf, samplePdf, zipBomb } from '#test/fakes/sample-files.ts'

const open: { close(): void }[] = []
const extractorWith = (options: ProcessExtractorOptions) => {
  const extractor = createProcessExtractor({ processes: 1, ...options })
  open.push(extractor)
  return extractor
}
const folder = await mkdtemp(join(tmpdir(), 'answerline-extract-'))
afterAll(async () => {
  for (const each of open) each.close()
  await rm(folder, { recursive: true })
})
const signal = () => AbortSignal.timeout(60_000)

/** A reader with a mind of its own, in place of the libraries. */
function entryThat(name: string, does: string): string {
  const path = join(folder, `${name}.mjs`)
  const watcher = `const rss = Number(process.argv[2])
    new (await import('node:worker_threads')).Worker("const {writeSync} = require('node:fs'); setInterval(() => { if (process.memoryUsage.rss() > " + rss + ") { writeSync(2, 'memory-limit'); process.kill(process.pid, 'SIGKILL') } }, 20)", { eval: true }).unref()`
  writeFileSync(
    path,
    `${watcher}\nprocess.on('message', async ({ id, bytes, type }) => { ${does} })\nprocess.on('disconnect', () => process.exit())`,
  )
  return path
}
const ECHO = `process.send({ id, extraction: { kind: 'text', text: Buffer.from(bytes).toString(), structure: 'plain' } })`

test('a document is read in another process, and the next one by the same', async () => {
  const extractor = extractorWith({})
  const pdf = await samplePdf([{ heading: 'Hub', lines: ['It is a hub.'] }])
  for (let i = 0; i < 2; i++)
    expect(await extractor.extract(pdf, 'application/pdf', signal())).toMatchObject({
      kind: 'text',
      text: '# Hub\n\nIt is a hub.',
    })
  const docx = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
  expect(await extractor.extract(zipBomb(), docx, signal())).toMatchObject({ kind: 'rejected', code: 'document-too-large' })
})

test('a PDF that draws without end costs its process, not ours', async () => {
  const extractor = extractorWith({ timeoutMs: 4_000, maxRssMebibytes: 512 })
  expect(await extractor.extract(endlessPdf(), 'application/pdf', signal())).toMatchObject({
    kind: 'rejected',
    code: 'document-too-complex',
  })
  expect(process.memoryUsage.rss()).toBeLessThan(1_500 * 1_048_576)
}, 60_000)

test('the process holds no environment and may not write files', async () => {
  const entry = entryThat(
    'curious',
    `let wrote = 'wrote'
     try { (await import('node:fs')).writeFileSync(${JSON.stringify(join(folder, 'loot'))}, 'x') } catch (error) { wrote = error.code }
     process.send({ id, extraction: { kind: 'text', text: JSON.stringify({ env: Object.keys(process.env), wrote }), structure: 'plain' } })`,
  )
  const found = await extractorWith({ entry }).extract(Buffer.from('x'), 'text/plain', signal())
  const { env, wrote } = JSON.parse((found as { text: string }).text)
  expect(env.filter((name: string) => !name.startsWith('NODE_CHANNEL'))).toEqual([])
  expect(wrote).toBe('ERR_ACCESS_DENIED')
})

test('who never ends is ended, and the next document is read', async () => {
  const entry = entryThat('endless', `if (Buffer.from(bytes).toString() === 'loop') for (;;); else ${ECHO}`)
  const extractor = extractorWith({ entry, timeoutMs: 5_000 })
  const stuck = extractor.extract(Buffer.from('loop'), 'text/plain', signal())
  const next = extractor.extract(Buffer.from('fine'), 'text/plain', signal())
  expect(await stuck).toMatchObject({ kind: 'rejected', code: 'document-too-complex', reason: expect.stringContaining('5 s') })
  expect(await next).toMatchObject({ kind: 'text', text: 'fine' })
})

test.each([
  ['on the heap', 'const all = []; for (;;) all.push(new Array(10_000).fill({ id }))'],
  ['beside the heap', 'const all = []; for (;;) all.push(Buffer.alloc(4_000_000, 1))'],
])('who takes more and more memory %s is ended, and this process lives on', async (name, does) => {
  const entry = entryThat(name.replaceAll(' ', '-'), does)
  const extractor = extractorWith({ entry, maxHeapMebibytes: 64, maxRssMebibytes: 300 })
  expect(await extractor.extract(Buffer.from('x'), 'text/plain', signal())).toMatchObject({
    kind: 'rejected',
    code: 'document-too-complex',
    reason: expect.stringContaining('memory'),
  })
})

test('a process that is killed from outside is no fault of the document: it may be read again', async () => {
  const entry = entryThat('killed', "process.kill(process.pid, 'SIGKILL')")
  await expect(extractorWith({ entry }).extract(Buffer.from('x'), 'text/plain', signal())).rejects.toMatchObject({
    failure: { kind: 'retryable', code: 'document-reader-lost' },
  })
})

test('a caller that gives up stops the work', async () => {
  const entry = entryThat('patient', 'for (;;);')
  const caller = new AbortController()
  const work = extractorWith({ entry }).extract(Buffer.from('x'), 'text/plain', caller.signal)
  setTimeout(() => caller.abort(new Error('enough')), 200)
  await expect(work).rejects.toThrow('enough')
})
