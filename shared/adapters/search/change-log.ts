import type { DatabaseSync } from 'node:sqlite'

/** For `Schema.create`: what changed, one generation a write, so that processes can follow each other. */
export const CHANGE_TABLE = 'CREATE TABLE change (generation INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL);'
/** A process that is further behind than this reads everything anew instead of catching up. */
const KEPT_CHANGES = 5_000

/** Within the transaction that changed the document. */
export function recordChange(database: DatabaseSync, documentId: string): void {
  const { lastInsertRowid } = database.prepare('INSERT INTO change (document_id) VALUES (?)').run(documentId)
  database
    .prepare('DELETE FROM change WHERE generation <= ? OR document_id = ? AND generation < ?')
    .run(Number(lastInsertRowid) - KEPT_CHANGES, documentId, lastInsertRowid)
}

/** A leap in the log: every process is now too far behind to catch up, and reads anew. */
export function recordEnd(database: DatabaseSync): void {
  database.exec('DELETE FROM change')
  database.exec(`UPDATE sqlite_sequence SET seq = seq + ${KEPT_CHANGES + 1} WHERE name = 'change'`)
  recordChange(database, '')
}

export const currentGeneration = (database: DatabaseSync): number =>
  Number(database.prepare('SELECT coalesce(max(generation), 0) AS g FROM change').get()?.['g'])

/** @returns the documents that changed since, or `everything` for a reader that is new or too far behind */
export function changesSince(database: DatabaseSync, generation: number, now: number): readonly string[] | 'everything' {
  if (generation < 0 || generation < now - KEPT_CHANGES) return 'everything'
  return database
    .prepare('SELECT document_id FROM change WHERE generation > ?')
    .all(generation)
    .map((row) => String(row['document_id']))
}
