import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { HashEmbedder } from '#shared/adapters/models/embedder.hash.ts'
import { SqliteDenseIndex } from '#shared/adapters/search/dense-index.sqlite.ts'
import { SqliteSparseIndex } from '#shared/adapters/search/sparse-index.sqlite.ts'
import { denseIndexContract } from '#test/contracts/dense-index.contract.ts'
import { embedderContract } from '#test/contracts/embedder.contract.ts'
import { sparseIndexContract } from '#test/contracts/sparse-index.contract.ts'
import { MemoryDenseIndex } from '#test/fakes/dense-index.memory.ts'
import { MemorySparseIndex } from '#test/fakes/sparse-index.memory.ts'

const embedder = new HashEmbedder()
let folder = ''
let opened: { close(): void }[] = []
let memoryDense = new MemoryDenseIndex(embedder.dimensions)
let memorySparse = new MemorySparseIndex()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'answerline-search-'))
  memoryDense = new MemoryDenseIndex(embedder.dimensions)
  memorySparse = new MemorySparseIndex()
})
afterEach(() => {
  for (const each of opened) each.close()
  opened = []
  rmSync(folder, { recursive: true })
})
function kept<T extends { close(): void }>(index: T): T {
  opened.push(index)
  return index
}

embedderContract('hash', embedder)
denseIndexContract('sqlite', embedder, () => kept(new SqliteDenseIndex({ folder, embedder })))
denseIndexContract('in memory (fake)', embedder, () => memoryDense)
sparseIndexContract('sqlite', () => kept(new SqliteSparseIndex({ folder })))
sparseIndexContract('in memory (fake)', () => memorySparse)
