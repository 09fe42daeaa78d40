import type { DatabaseSync } from 'node:sqlite'
import type { Chunk } from '#shared/domain/document.ts'
import { terminal } from '#shared/domain/failure.ts'
import type { DenseIndex, ScoredChunk, SearchFilter } from '#shared/ports/search-index.ts'
import { CHANGE_TABLE, changesSince, currentGeneration, recordChange, recordEnd } from './change-log.ts'
import { ChunkCache } from './chunk-cache.ts'
import { acceptor } from './chunk-filter.ts'
import { type Schema, SqliteFiles } from './sqlite-file.ts'
import { VectorArena } from './vector-arena.ts'
import { VectorMatrix } from './vector-matrix.ts'

const SCHEMA: Schema = {
  version: 2,
  create: `
    CREATE TABLE embedder (only INTEGER PRIMARY KEY CHECK (only = 1), id TEXT NOT NULL, dimensions INTEGER NOT NULL);
    CREATE TABLE vector (
      id INTEGER PRIMARY KEY, document_id TEXT NOT NULL, audience TEXT NOT NULL, product TEXT, language TEXT, modified_at TEXT,
      elements BLOB NOT NULL
    );
    CREATE INDEX vector_document ON vector (document_id);
    CREATE TABLE chunk (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
    ${CHANGE_TABLE}
  `,
  upgrade: { 1: addModifiedAt },
}
const MEBIBYTE = 1_048_576

type Options = {
  readonly folder: string
  readonly embedder: { readonly id: string; readonly dimensions: number }
  /** Bytes of vectors kept in memory; beyond it the tenants that were idle longest are read again when they come back. */
  readonly maxMatrixBytes?: number
}
type Resident = { matrix: VectorMatrix; generation: number }

/**
 * Exact nearest neighbours: vectors rest in SQLite, and a matrix per tenant in memory is kept in step with the file by its
 * log of changes, inside the read transaction of every search. So each process sees what any process committed.
 */
export class SqliteDenseIndex implements DenseIndex {
  readonly #files: SqliteFiles
  readonly #embedder: Options['embedder']
  readonly #arena: VectorArena
  readonly #maxMatrixBytes: number
  readonly #chunks = new ChunkCache()
  /** In order of use, the least recent first. */
  readonly #residents = new Map<string, Resident>()

  constructor({ folder, embedder, maxMatrixBytes }: Options) {
    this.#files = new SqliteFiles({ folder, schema: SCHEMA })
    this.#embedder = embedder
    this.#arena = new VectorArena(embedder.dimensions)
    this.#maxMatrixBytes = maxMatrixBytes ?? 512 * MEBIBYTE
  }

  async replaceDocument(
    tenantId: string,
    documentId: string,
    items: readonly { readonly chunk: Chunk; readonly vector: Float32Array }[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const { vector } of items) this.#check(vector)
    await this.#files.write(tenantId, signal, (database) => {
      this.#refuseOtherEmbedder(database)
      removeRows(database, documentId)
      const addVector = database.prepare(
        'INSERT INTO vector (document_id, audience, product, language, modified_at, elements) VALUES (?, ?, ?, ?, ?, ?)',
      )
      const addChunk = database.prepare('INSERT INTO chunk (id, body) VALUES (?, ?)')
      for (const { chunk, vector } of items) {
        const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
        const { lastInsertRowid } = addVector.run(
          documentId,
          chunk.audience,
          chunk.product ?? null,
          chunk.language ?? null,
          chunk.modifiedAt ?? null,
          bytes,
        )
        addChunk.run(lastInsertRowid, JSON.stringify(chunk))
      }
      recordChange(database, documentId)
    })
  }

  async deleteDocument(tenantId: string, documentId: string, signal: AbortSignal): Promise<void> {
    await this.#files.write(tenantId, signal, (database) => {
      removeRows(database, documentId)
      recordChange(database, documentId)
    })
  }

  async deleteTenant(tenantId: string, signal: AbortSignal): Promise<void> {
    await this.#files.write(tenantId, signal, (database) => {
      database.exec('DELETE FROM vector; DELETE FROM chunk; DELETE FROM embedder')
      recordEnd(database)
    })
    this.#chunks.forget(tenantId, 'everything')
  }

  async search(vector: Float32Array, filter: SearchFilter, limit: number, signal: AbortSignal): Promise<ScoredChunk[]> {
    signal.throwIfAborted()
    this.#check(vector)
    const found = this.#files.read(filter.tenantId, (database) => {
      const { matrix } = this.#inStep(filter.tenantId, database)
      const elements = database.prepare('SELECT elements FROM vector WHERE id = ?')
      const exact = (key: number) => floatsOf(elements.get(key)!['elements'])
      const nearest = matrix.nearest(vector, acceptor(filter), limit, exact)
      const bodies = this.#chunks.get(
        filter.tenantId,
        database,
        nearest.map(({ key }) => key),
      )
      return nearest.map(({ score }, i) => ({ chunk: bodies[i]!, score }))
    })
    return found ?? []
  }

  async count(tenantId: string): Promise<number> {
    return (
      this.#files.read(tenantId, (database) => Number(database.prepare('SELECT count(*) AS n FROM vector').get()?.['n'])) ?? 0
    )
  }

  async health(): Promise<{ ok: boolean; detail: string }> {
    return this.#files.health()
  }

  close(): void {
    this.#residents.clear()
    this.#files.close()
  }

  #check(vector: Float32Array): void {
    if (vector.length !== this.#embedder.dimensions) {
      throw terminal('embedder-changed', `a vector has ${vector.length} dimensions, the index ${this.#embedder.dimensions}`)
    }
  }

  #refuseOtherEmbedder(database: DatabaseSync): void {
    const { id, dimensions } = this.#embedder
    database.prepare('INSERT OR IGNORE INTO embedder (only, id, dimensions) VALUES (1, ?, ?)').run(id, dimensions)
    assertSameEmbedder(database, id)
  }

  /** The tenant's matrix as of the open transaction. */
  #inStep(tenantId: string, database: DatabaseSync): Resident {
    const known = this.#residents.get(tenantId)
    const generation = currentGeneration(database)
    const resident = known ?? { matrix: new VectorMatrix(this.#arena), generation: -1 }
    if (resident.generation !== generation) {
      assertSameEmbedder(database, this.#embedder.id)
      this.#chunks.forget(tenantId, this.#catchUp(resident, generation, database))
    }
    this.#residents.delete(tenantId)
    this.#residents.set(tenantId, resident)
    this.#evict(tenantId)
    return resident
  }

  /** @returns the documents that changed */
  #catchUp(resident: Resident, generation: number, database: DatabaseSync): readonly string[] | 'everything' {
    const columns = 'id, document_id, audience, product, language, modified_at, elements'
    const changes = changesSince(database, resident.generation, generation)
    if (changes === 'everything') {
      resident.matrix.release()
      resident.matrix = new VectorMatrix(this.#arena)
      addRows(resident.matrix, database.prepare(`SELECT ${columns} FROM vector ORDER BY id`).iterate())
    } else {
      const ofDocument = database.prepare(`SELECT ${columns} FROM vector WHERE document_id = ? ORDER BY id`)
      for (const documentId of changes) {
        resident.matrix.removeDocument(documentId)
        addRows(resident.matrix, ofDocument.iterate(documentId))
      }
    }
    resident.generation = generation
    return changes
  }

  #evict(inUse: string): void {
    let bytes = 0
    for (const { matrix } of this.#residents.values()) bytes += matrix.bytes
    for (const [tenantId, { matrix }] of this.#residents) {
      if (bytes <= this.#maxMatrixBytes) return
      if (tenantId === inUse) continue
      bytes -= matrix.bytes
      matrix.release()
      this.#residents.delete(tenantId)
    }
  }
}

/** Vectors of two embedders cannot be compared: a search over a mixture would be noise that looks like an answer. */
function assertSameEmbedder(database: DatabaseSync, id: string): void {
  const found = database.prepare('SELECT id FROM embedder').get()?.['id']
  if (found !== undefined && found !== id) {
    throw terminal('embedder-changed', `this index was built with ${String(found)}, not with ${id}: rebuild it`)
  }
}

function removeRows(database: DatabaseSync, documentId: string): void {
  database.prepare('DELETE FROM chunk WHERE id IN (SELECT id FROM vector WHERE document_id = ?)').run(documentId)
  database.prepare('DELETE FROM vector WHERE document_id = ?').run(documentId)
}

/** Files of before did not know the age of a document. */
function addModifiedAt(database: DatabaseSync): void {
  database.exec(`
    ALTER TABLE vector ADD COLUMN modified_at TEXT;
    UPDATE vector SET modified_at = (SELECT body ->> '$.modifiedAt' FROM chunk WHERE chunk.id = vector.id)
  `)
}

function addRows(matrix: VectorMatrix, rows: Iterable<Record<string, unknown>>): void {
  for (const row of rows) {
    const text = (value: unknown) => (value === null ? undefined : String(value))
    matrix.add(
      {
        key: Number(row['id']),
        documentId: String(row['document_id']),
        audience: String(row['audience']),
        product: text(row['product']),
        language: text(row['language']),
        modifiedAt: text(row['modified_at']),
      },
      floatsOf(row['elements']),
    )
  }
}

function floatsOf(elements: unknown): Float32Array {
  const bytes = elements as Uint8Array<ArrayBuffer>
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4)
}
