import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { Chunk } from '#shared/domain/document.ts'
import type { ScoredChunk, SearchFilter, SparseIndex } from '#shared/ports/search-index.ts'
import { contentTerms, isIdentifier } from '#shared/text/tokenize.ts'
import { type Schema, SqliteFiles } from './sqlite-file.ts'

/**
 * FTS5 holds our own terms, joined by spaces, so that index and query agree on stems and identifiers; its tokenizer has
 * nothing left to do but split. Contentless: the chunk is kept once, beside it.
 */
const SCHEMA: Schema = {
  version: 1,
  create: `
    CREATE TABLE chunk (
      id INTEGER PRIMARY KEY, document_id TEXT NOT NULL, audience TEXT NOT NULL, product TEXT, language TEXT, body TEXT NOT NULL
    );
    CREATE INDEX chunk_document ON chunk (document_id);
    CREATE VIRTUAL TABLE term USING fts5 (
      title, section, text, content = '', contentless_delete = 1, tokenize = "ascii tokenchars '-_.'"
    );
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab (term, row);
  `,
}

/** A match in the title or a heading says more about the subject than one in the text. */
const WEIGHTS = 'bm25(6.0, 4.0, 1.0)'
const MAX_QUERY_CHARACTERS = 8_000
const MAX_QUERY_TERMS = 24

/** BM25 over title, section and text, in one SQLite file per tenant; word statistics are the tenant's own. */
export class SqliteSparseIndex implements SparseIndex {
  readonly #files: SqliteFiles

  constructor({ folder }: { readonly folder: string }) {
    this.#files = new SqliteFiles({ folder, schema: SCHEMA })
  }

  async replaceDocument(tenantId: string, documentId: string, items: readonly Chunk[], signal: AbortSignal): Promise<void> {
    const rows = items.map((chunk) => ({ chunk, terms: termsOf(chunk) }))
    await this.#files.write(tenantId, signal, (database) => {
      removeRows(database, documentId)
      const addChunk = database.prepare(
        'INSERT INTO chunk (document_id, audience, product, language, body) VALUES (?, ?, ?, ?, ?)',
      )
      const addTerms = database.prepare('INSERT INTO term (rowid, title, section, text) VALUES (?, ?, ?, ?)')
      for (const { chunk, terms } of rows) {
        const { audience, product, language } = chunk
        const { lastInsertRowid } = addChunk.run(documentId, audience, product ?? null, language ?? null, JSON.stringify(chunk))
        addTerms.run(lastInsertRowid, terms.title, terms.section, terms.text)
      }
    })
  }

  async deleteDocument(tenantId: string, documentId: string, signal: AbortSignal): Promise<void> {
    await this.#files.write(tenantId, signal, (database) => removeRows(database, documentId))
  }

  async deleteTenant(tenantId: string, signal: AbortSignal): Promise<void> {
    await this.#files.write(tenantId, signal, (database) => {
      database.exec(`DELETE FROM chunk; INSERT INTO term (term) VALUES ('delete-all')`)
    })
  }

  async search(query: string, filter: SearchFilter, limit: number, signal: AbortSignal): Promise<ScoredChunk[]> {
    signal.throwIfAborted()
    const terms = queryTerms(query)
    if (terms.length === 0 || limit < 1) return []
    return this.#files.read(filter.tenantId, (database) => searchTerms(database, terms, filter, limit)) ?? []
  }

  async count(tenantId: string): Promise<number> {
    return this.#files.read(tenantId, (database) => Number(database.prepare('SELECT count(*) AS n FROM chunk').get()?.['n'])) ?? 0
  }

  async health(): Promise<{ ok: boolean; detail: string }> {
    return this.#files.health()
  }

  close(): void {
    this.#files.close()
  }
}

const termsOf = (chunk: Chunk) => ({
  title: contentTerms(chunk.title).join(' '),
  section: contentTerms(chunk.section.join(' ')).join(' '),
  text: contentTerms(chunk.text).join(' '),
})

/** Unique terms of the query, in order; a customer's long letter is cut before it becomes a slow search. */
const queryTerms = (query: string): string[] => [...new Set(contentTerms(query.slice(0, MAX_QUERY_CHARACTERS)))]

function removeRows(database: DatabaseSync, documentId: string): void {
  database.prepare('DELETE FROM term WHERE rowid IN (SELECT id FROM chunk WHERE document_id = ?)').run(documentId)
  database.prepare('DELETE FROM chunk WHERE document_id = ?').run(documentId)
}

function searchTerms(database: DatabaseSync, terms: readonly string[], filter: SearchFilter, limit: number): ScoredChunk[] {
  const chosen = rarest(database, terms)
  if (chosen.length === 0) return []
  // A term named twice counts twice. Terms hold letters, marks, digits and - _ . only, so quoting them is safe.
  const match = chosen.flatMap((term) => (isIdentifier(term) ? [`"${term}"`, `"${term}"`] : [`"${term}"`])).join(' OR ')
  const { where, values } = conditions(filter)
  // CROSS JOIN keeps FTS5 outside: it delivers in order of rank, and the filter looks at rows only until the limit is reached.
  const found = database.prepare(`
    SELECT chunk.body AS body, term.rank AS score
    FROM term CROSS JOIN chunk ON chunk.id = term.rowid
    WHERE term MATCH ? AND term.rank MATCH '${WEIGHTS}' AND ${where}
    ORDER BY term.rank LIMIT ?
  `)
  return found
    .all(match, ...values, limit)
    .map((row) => ({ chunk: Chunk.parse(JSON.parse(String(row['body']))), score: -Number(row['score']) }))
}

/** The terms that the tenant's documents know, rarest first: what everybody says distinguishes nothing and costs the most. */
function rarest(database: DatabaseSync, terms: readonly string[]): string[] {
  const documentsWith = database.prepare('SELECT doc FROM vocabulary WHERE term = ?')
  const known = terms.flatMap((term) => {
    const documents = documentsWith.get(term)?.['doc']
    return documents === undefined ? [] : [{ term, documents: Number(documents) }]
  })
  return known
    .sort((a, b) => a.documents - b.documents)
    .slice(0, MAX_QUERY_TERMS)
    .map(({ term }) => term)
}

function conditions(filter: SearchFilter): { where: string; values: SQLInputValue[] } {
  const parts = [`chunk.audience IN (${filter.audiences.map(() => '?').join(', ')})`]
  const values: SQLInputValue[] = [...filter.audiences]
  if (filter.product !== undefined) {
    parts.push('chunk.product = ?')
    values.push(filter.product)
  }
  if (filter.language !== undefined) {
    parts.push('chunk.language = ?')
    values.push(filter.language)
  }
  return { where: parts.join(' AND '), values }
}
