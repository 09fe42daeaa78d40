import type { DatabaseSync } from 'node:sqlite'
import { Chunk } from '#shared/domain/document.ts'
import type { ScoredChunk, SearchFilter, SparseIndex } from '#shared/ports/search-index.ts'
import { CHANGE_TABLE, changesSince, currentGeneration, recordChange, recordEnd } from './change-log.ts'
import { ChunkCache } from './chunk-cache.ts'
import { acceptor } from './chunk-filter.ts'
import type { ChunkFacts } from './document-table.ts'
import { FieldedIndex } from './fielded-index.ts'
import { type DocumentTerms, documentTermsInTurns, documentTermsOf } from './indexed-terms.ts'
import { MatchRoom, matchPassages } from './match-passages.ts'
import { type Schema, SqliteFiles } from './sqlite-file.ts'

/** Terms rest as words, so that another process, or another order of loading, may number them as it likes. */
const WORDS = `
  CREATE TABLE words (
    id INTEGER PRIMARY KEY, modified_at TEXT, title TEXT NOT NULL, path TEXT NOT NULL, section TEXT NOT NULL, text TEXT NOT NULL
  );
  ${CHANGE_TABLE}
`
const SCHEMA: Schema = {
  version: 3,
  create: `
    CREATE TABLE chunk (
      id INTEGER PRIMARY KEY, document_id TEXT NOT NULL, audience TEXT NOT NULL, product TEXT, language TEXT, body TEXT NOT NULL,
      position INTEGER
    );
    CREATE INDEX chunk_place ON chunk (document_id, position);
    ${WORDS}
  `,
  upgrade: { 1: upgradeFromFts, 2: addPosition },
}
/** Tenants whose words are kept in memory; those that were idle longest are read again when they come back. */
const MAX_CHUNKS_IN_MEMORY = 400_000
const MAX_DEAD_SHARE = 1 / 3
const MIN_CHUNKS_TO_COMPACT = 1_000

type Resident = { index: FieldedIndex; generation: number }

/**
 * Words and their places in memory (`FieldedIndex`), one index per tenant, kept in step with a SQLite file by its log of changes,
 * inside the read transaction of every search. So each process sees what any process committed.
 */
export class SqliteSparseIndex implements SparseIndex {
  readonly #files: SqliteFiles
  readonly #room = new MatchRoom()
  readonly #chunks = new ChunkCache()
  readonly #maxChunks: number
  /** In order of use, the least recent first. */
  readonly #residents = new Map<string, Resident>()

  constructor({ folder, maxChunksInMemory }: { readonly folder: string; readonly maxChunksInMemory?: number }) {
    this.#files = new SqliteFiles({ folder, schema: SCHEMA })
    this.#maxChunks = maxChunksInMemory ?? MAX_CHUNKS_IN_MEMORY
  }

  async replaceDocument(tenantId: string, documentId: string, items: readonly Chunk[], signal: AbortSignal): Promise<void> {
    const terms = await documentTermsInTurns(items, signal)
    await this.#files.write(tenantId, signal, (database) => {
      removeRows(database, documentId)
      const addChunk = database.prepare(
        'INSERT INTO chunk (document_id, audience, product, language, body, position) VALUES (?, ?, ?, ?, ?, ?)',
      )
      const ids = items.map((chunk) => {
        const { audience, product, language, position } = chunk
        const body = JSON.stringify(chunk)
        return addChunk.run(documentId, audience, product ?? null, language ?? null, body, position).lastInsertRowid
      })
      addWords(database, ids, items, terms)
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
      database.exec('DELETE FROM chunk; DELETE FROM words')
      recordEnd(database)
    })
    this.#chunks.forget(tenantId, 'everything')
    this.#residents.delete(tenantId)
  }

  async search(query: string, filter: SearchFilter, limit: number, signal: AbortSignal): Promise<ScoredChunk[]> {
    signal.throwIfAborted()
    const found = this.#files.read(filter.tenantId, (database) => {
      const { index } = this.#inStep(filter.tenantId, database)
      const matches = matchPassages(index, this.#room, query, acceptor(filter), limit)
      const bodies = this.#chunks.get(
        filter.tenantId,
        database,
        matches.map(({ key }) => key),
      )
      return matches.map(({ score, signals }, i) => ({ chunk: bodies[i]!, score, signals }))
    })
    return found ?? []
  }

  async chunksAt(filter: SearchFilter, documentId: string, positions: readonly number[], signal: AbortSignal): Promise<Chunk[]> {
    signal.throwIfAborted()
    const accept = acceptor(filter)
    const found = this.#files.read(filter.tenantId, (database) => {
      const bodyAt = database.prepare('SELECT body FROM chunk WHERE document_id = ? AND position = ?')
      return positions.flatMap((position) =>
        bodyAt.all(documentId, position).map(({ body }) => JSON.parse(String(body)) as Chunk),
      )
    })
    return (found ?? []).filter(accept)
  }

  async count(tenantId: string): Promise<number> {
    return this.#files.read(tenantId, (database) => Number(database.prepare('SELECT count(*) AS n FROM chunk').get()?.['n'])) ?? 0
  }

  async health(): Promise<{ ok: boolean; detail: string }> {
    return this.#files.health()
  }

  close(): void {
    this.#residents.clear()
    this.#files.close()
  }

  /** The tenant's words as of the open transaction. */
  #inStep(tenantId: string, database: DatabaseSync): Resident {
    const generation = currentGeneration(database)
    const resident = this.#residents.get(tenantId) ?? { index: new FieldedIndex(), generation: -1 }
    if (resident.generation !== generation) this.#chunks.forget(tenantId, catchUp(resident, generation, database))
    this.#residents.delete(tenantId)
    this.#residents.set(tenantId, resident)
    this.#evict(tenantId)
    return resident
  }

  #evict(inUse: string): void {
    let chunks = 0
    for (const { index } of this.#residents.values()) chunks += index.liveChunks
    for (const [tenantId, { index }] of this.#residents) {
      if (chunks <= this.#maxChunks) return
      if (tenantId === inUse) continue
      chunks -= index.liveChunks
      this.#residents.delete(tenantId)
    }
  }
}

/** @returns the documents that changed */
function catchUp(resident: Resident, generation: number, database: DatabaseSync): readonly string[] | 'everything' {
  const changes = changesSince(database, resident.generation, generation)
  if (changes === 'everything') {
    resident.index = new FieldedIndex()
    for (const rows of byDocument(database.prepare(`SELECT ${COLUMNS} ORDER BY chunk.id`).iterate())) add(resident.index, rows)
  } else {
    const ofDocument = database.prepare(`SELECT ${COLUMNS} WHERE chunk.document_id = ? ORDER BY chunk.id`)
    for (const documentId of changes) {
      resident.index.remove(documentId)
      for (const rows of byDocument(ofDocument.iterate(documentId))) add(resident.index, rows)
    }
    const { deadShare, table } = resident.index
    if (deadShare > MAX_DEAD_SHARE && table.chunkCount > MIN_CHUNKS_TO_COMPACT) resident.index = resident.index.compacted()
  }
  resident.generation = generation
  return changes
}

type Row = Record<string, unknown>
const COLUMNS = `chunk.id AS id, document_id, audience, product, language, modified_at, title, path, section, text
  FROM chunk JOIN words ON words.id = chunk.id`

/** Rows of one document stand together: they were written in one transaction, under ascending ids. */
function* byDocument(rows: Iterable<Row>): Iterable<Row[]> {
  let open: Row[] = []
  for (const row of rows) {
    if (open.length > 0 && open[0]!['document_id'] !== row['document_id']) {
      yield open
      open = []
    }
    open.push(row)
  }
  if (open.length > 0) yield open
}

function add(index: FieldedIndex, rows: readonly Row[]): void {
  const words = (value: unknown) => (value === '' ? [] : String(value).split(' '))
  const optional = (value: unknown) => (value === null ? {} : String(value))
  const terms: DocumentTerms = {
    title: words(rows[0]!['title']),
    path: words(rows[0]!['path']),
    chunks: rows.map((row) => ({ section: words(row['section']), text: words(row['text']) })),
  }
  const facts = rows.map((row) => {
    const { product, language, modified_at } = row
    return {
      key: Number(row['id']),
      audience: String(row['audience']),
      ...(product === null ? {} : { product: optional(product) }),
      ...(language === null ? {} : { language: optional(language) }),
      ...(modified_at === null ? {} : { modifiedAt: optional(modified_at) }),
    } as ChunkFacts
  })
  index.add(String(rows[0]!['document_id']), terms, facts)
}

function addWords(
  database: DatabaseSync,
  ids: readonly (number | bigint)[],
  items: readonly Chunk[],
  terms: DocumentTerms,
): void {
  const insert = database.prepare('INSERT INTO words (id, modified_at, title, path, section, text) VALUES (?, ?, ?, ?, ?, ?)')
  items.forEach((chunk, i) => {
    const { section, text } = terms.chunks[i]!
    // Title and path belong to the document: its first row has them.
    const [title, path] = i === 0 ? [terms.title.join(' '), terms.path.join(' ')] : ['', '']
    insert.run(ids[i]!, chunk.modifiedAt ?? null, title, path, section.join(' '), text.join(' '))
  })
}

function removeRows(database: DatabaseSync, documentId: string): void {
  database.prepare('DELETE FROM words WHERE id IN (SELECT id FROM chunk WHERE document_id = ?)').run(documentId)
  database.prepare('DELETE FROM chunk WHERE document_id = ?').run(documentId)
}

/** Files of before held the words in FTS5. */
function upgradeFromFts(database: DatabaseSync): void {
  database.exec('DROP TABLE vocabulary; DROP TABLE term')
  database.exec(WORDS)
  const documents = database.prepare('SELECT DISTINCT document_id FROM chunk').all()
  const rowsOf = database.prepare('SELECT id, body FROM chunk WHERE document_id = ? ORDER BY id')
  for (const { document_id: documentId } of documents) {
    const rows = rowsOf.all(String(documentId))
    const chunks = rows.map((row) => Chunk.parse(JSON.parse(String(row['body']))))
    const ids = rows.map((row) => Number(row['id']))
    addWords(database, ids, chunks, documentTermsOf(chunks))
  }
  database.exec(`INSERT INTO change (document_id) VALUES ('')`)
  addPosition(database)
}

/** Files of before did not know where in its document a chunk stands. */
function addPosition(database: DatabaseSync): void {
  database.exec(`
    ALTER TABLE chunk ADD COLUMN position INTEGER;
    UPDATE chunk SET position = body ->> '$.position';
    DROP INDEX chunk_document;
    CREATE INDEX chunk_place ON chunk (document_id, position);
  `)
}
