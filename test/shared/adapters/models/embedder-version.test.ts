import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { SqliteDenseIndex } from '#shared/adapters/search/dense-index.sqlite.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'
import { embeddingText } from '#workers/logic/chunk-document.ts'

const signal = () => AbortSignal.timeout(30_000)
const chunk = sampleChunk({
  documentId: 'a',
  title: 'Reset the hub',
  product: 'Hub 2',
  url: 'https://help.example/hubs/reset-a-hub',
  section: ['Reset', 'By hand'],
  context: 'How to reset a hub that lost its Wi-Fi.',
  text: 'Hold the button for 10 s until LK-204 blinks.',
})

test('what `hash` makes of a chunk is what its version says: whoever changes either changes both', async () => {
  const embedder = new HashEmbedder()
  const [vector] = await embedder.embed([embeddingText(chunk)], 'document', signal())
  // Rounded, because the last digits of a logarithm are the processor's.
  const digest = createHash('sha256')
    .update(Array.from(vector!, (value) => value.toFixed(4)).join(' '))
    .digest('hex')
  expect({ id: embedder.id, text: embeddingText(chunk), digest: digest.slice(0, 16) }).toEqual({
    id: 'hash-512-v3',
    text: [
      'Reset the hub',
      'Hub 2 hubs reset a hub',
      'Reset > By hand',
      'How to reset a hub that lost its Wi-Fi.',
      'Hold the button for 10 s until LK-204 blinks.',
    ].join('\n'),
    digest: '4fb83e251f859916',
  })
})

test('an index that another version of `hash` has built is not searched, and not written to', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'answerline-version-'))
  const embedder = new HashEmbedder(64)
  const [vector] = await embedder.embed(['hub'], 'query', signal())
  const before = new SqliteDenseIndex({ folder, embedder: { id: 'hash-64-v1', dimensions: 64 } })
  await before.replaceDocument('acme', 'a', [{ chunk, vector: vector! }], signal())
  before.close()
  const index = new SqliteDenseIndex({ folder, embedder })
  const refused = { failure: { kind: 'terminal', code: 'embedder-changed', message: expect.stringContaining('rebuild it') } }
  await expect(index.search(vector!, { tenantId: 'acme', audiences: ['public'] }, 5, signal())).rejects.toMatchObject(refused)
  await expect(index.replaceDocument('acme', 'b', [{ chunk, vector: vector! }], signal())).rejects.toMatchObject(refused)
  index.close()
  rmSync(folder, { recursive: true })
})
