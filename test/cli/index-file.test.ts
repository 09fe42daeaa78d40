import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Client } from '#cli/client.ts'
import { indexFiles } from '#cli/commands/index-paths.ts'
import { bodyOf, filesIn } from '#cli/index-file.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'answerline-files-'))
  for (const name of ['a.md', 'sub/b.PDF', 'sub/c d.docx', 'd.html', 'e.txt', 'skip.png', '.git/x.md', 'node_modules/y/z.md']) {
    const path = join(folder, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, `content of ${name}`)
  }
  writeFileSync(join(folder, 'front.md'), '---\r\nid: named\r\ntitle: Front\r\n---\r\n# Text')
  writeFileSync(join(folder, 'broken.md'), '---\na: [\n---\ntext')
  writeFileSync(join(folder, 'latin.txt'), Buffer.from([0x47, 0x72, 0xfc]))
})
afterAll(() => rm(folder, { recursive: true }))

test('a folder gives every file that can be read, hidden ones and packages aside', () => {
  expect(filesIn(folder).map(({ name }) => name)).toEqual(
    ['a.md', 'broken.md', 'd.html', 'e.txt', 'front.md', 'latin.txt', 'sub/b.PDF', 'sub/c d.docx'].toSorted(),
  )
  expect(filesIn(join(folder, 'skip.png'))).toHaveLength(1)
})

test('text goes as JSON under the name of its front matter or its file; everything else as the file it is', async () => {
  const body = (name: string) => bodyOf({ path: join(folder, name), name })
  expect(await body('a.md')).toEqual({ id: 'a.md', text: 'content of a.md', contentType: 'text/markdown' })
  expect(await body('front.md')).toEqual({ id: 'named', title: 'Front', text: '# Text', contentType: 'text/markdown' })
  expect(await body('broken.md')).toMatchObject({ id: 'broken.md', text: '---\na: [\n---\ntext' })
  for (const [name, id] of [
    ['sub/c d.docx', 'sub.c-d.docx'],
    ['latin.txt', 'latin.txt'],
  ] as const) {
    const form = (await body(name)) as FormData
    expect(form.get('id')).toBe(id)
    expect((form.get('file') as File).name).toBe(name.split('/').at(-1))
  }
})

test('a busy server is waited for, and every file that failed is told with its reason', async () => {
  const said: string[] = []
  vi.spyOn(console, 'error').mockImplementation((line) => void said.push(line))
  vi.spyOn(console, 'log').mockImplementation((line) => void said.push(line))
  let busy = 1
  const client: Client = {
    url: '',
    async request(method, path, body) {
      if (method === 'POST' && busy-- > 0) return { status: 503, body: {} }
      if (method === 'POST') return { status: 202, body: { documentId: (body as { id: string }).id } }
      const failed = path.endsWith('e.txt')
      const error = failed ? { code: 'document-encoding', reason: 'not valid utf-8' } : null
      return { status: 200, body: { documentId: 'x', state: failed ? 'failed' : 'indexed', error } }
    },
  }
  const files = ['a.md', 'e.txt'].map((name) => ({ path: join(folder, name), name }))
  expect(await indexFiles(files, client)).toBe(1)
  expect(said).toEqual([expect.stringContaining('e.txt: document-encoding: not valid utf-8'), '1 of 2 documents are indexed'])
  vi.restoreAllMocks()
})
