import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { apiClient, type Client } from '#cli/client.ts'
import { indexFiles } from '#cli/commands/index-paths.ts'
import { filesIn } from '#cli/index-file.ts'
import { encryptedPdf, sampleDocx, samplePdf, zipBomb } from '#test/fakes/sample-files.ts'
import { type Process, startAnswerline } from '#test/servers/answerline.ts'
import { hasRedis } from '#test/servers/redis.ts'

/** A folder of all sorts, good and bad, into a real installation: `answerline up` on its embedded stores, a real Redis. */

const KEY = 'admin-key-of-the-flow'

describe.skipIf(!hasRedis)(`documents${hasRedis ? '' : ' (needs redis-server)'}`, () => {
  let folder = ''
  let server: Process
  let client: Client
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'answerline-documents-'))
    const env = { DATA_DIR: join(folder, 'data'), ADMIN_API_KEY: KEY, LOG_LEVEL: 'warn' }
    server = await startAnswerline({ name: 'up', folder, args: ['up'], env })
    client = apiClient(server.url, KEY)
  }, 90_000)
  afterAll(async () => {
    await server?.terminate()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }, 60_000)

  test('every file ends found or failed by name, and what failed disturbs nothing', async () => {
    const docs = join(folder, 'docs')
    mkdirSync(join(docs, 'deep'), { recursive: true })
    const lines = ['Hold the crimson switch for twelve seconds until the ring turns violet.', 'Then wait for the chime.']
    const files: Record<string, Uint8Array | string> = {
      'manual.pdf': await samplePdf([{ heading: 'Reset the Zephyr', lines }], 'Zephyr manual'),
      'deep/returns.docx': await sampleDocx(),
      'page.html': `<!doctype html><title>Lamps</title><script>${'x();'.repeat(1_000)}</script><main><h1>Lamps</h1><p>The Quasar lamp needs firmware 4.2.</p></main>`,
      'note.md': '# Cables\n\nUse a Marlin cable of at most two metres.',
      'headings.md': Array.from({ length: 10_000 }, (_, i) => `## Heading ${i}\n\nWords of ${i}.`).join('\n\n'),
      'line.txt': 'one and the same line '.repeat(40_000),
      'locked.pdf': encryptedPdf(),
      'torn.pdf': '%PDF-1.7\nrubbish',
      'bomb.docx': zipBomb(),
      'latin.txt': Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65]),
      'fake.pdf': 'no PDF at all',
      'scripts.html': `<!doctype html>${'<script>x()</script>'.repeat(2_000)}`,
      'empty.md': '',
    }
    for (const [name, content] of Object.entries(files)) writeFileSync(join(docs, name), content)
    const said: string[] = []
    vi.spyOn(console, 'error').mockImplementation((line) => void said.push(line))
    vi.spyOn(console, 'log').mockImplementation((line) => void said.push(line))
    expect(await indexFiles(filesIn(docs), client)).toBe(1)
    vi.restoreAllMocks()
    const reasonOf = (name: string) => said.find((line) => line.includes(`${name}:`))
    expect(reasonOf('locked.pdf')).toContain('document-encrypted')
    expect(reasonOf('torn.pdf')).toContain('document-unreadable')
    expect(reasonOf('bomb.docx')).toContain('document-too-large')
    expect(reasonOf('latin.txt')).toContain('document-encoding')
    expect(reasonOf('fake.pdf')).toContain('415')
    expect(reasonOf('scripts.html')).toContain('document-empty')
    expect(reasonOf('empty.md')).toContain('422')
    expect(said.at(-1)).toBe('6 of 13 documents are indexed')
    expect(server.running()).toBe(true)
  }, 120_000)

  test('each can be found, with its page, and is gone without a trace once it is deleted', async () => {
    const search = async (query: string) => {
      const { body } = await client.request('POST', '/v1/search', { query })
      return (body as { passages: { documentId: string }[] }).passages.map(({ documentId }) => documentId)
    }
    expect((await search('how long to hold the crimson switch of the Zephyr'))[0]).toBe('manual.pdf')
    expect((await search('which firmware does the Quasar lamp need'))[0]).toBe('page.html')
    expect((await search('fee for returning from Norway'))[0]).toBe('deep.returns.docx')
    const view = (await client.request('GET', '/v1/documents/manual.pdf')).body
    expect(view).toMatchObject({ title: 'Zephyr manual', state: 'indexed', chunks: [{ page: 1 }] })
    expect((await client.request('DELETE', '/v1/documents/manual.pdf')).status).toBe(204)
    expect(await search('how long to hold the crimson switch of the Zephyr')).not.toContain('manual.pdf')
  }, 60_000)

  test('a document that failed may be tried again, and one that is indexed takes on new settings of its tenant', async () => {
    const settled = async (id: string) => {
      await expect
        .poll(async () => ((await client.request('GET', `/v1/documents/${id}`)).body as { state: string }).state, {
          timeout: 30_000,
        })
        .toMatch(/indexed|failed/)
      return (await client.request('GET', `/v1/documents/${id}`)).body as { state: string; chunkCount: number }
    }
    expect((await client.request('POST', '/v1/documents/locked.pdf/retry')).status).toBe(202)
    expect(await settled('locked.pdf')).toMatchObject({ state: 'failed', error: { code: 'document-encrypted' } })
    const before = await settled('line.txt')
    const change = { config: { knowledge: { chunking: { preset: 'legal' } } } }
    expect((await client.request('PATCH', '/v1/tenants/default', change)).status).toBe(200)
    // Tenants are cached for some seconds in the process that works.
    await expect
      .poll(
        async () => {
          await client.request('POST', '/v1/documents/line.txt/retry')
          return (await settled('line.txt')).chunkCount
        },
        { timeout: 60_000, interval: 1_000 },
      )
      .toBeLessThan(before.chunkCount * 0.7)
  }, 120_000)
})
