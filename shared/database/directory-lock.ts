import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const SQLITE_BUSY = 5
/** Keeps the locks reachable: an open database that is garbage collected is closed, and its lock is gone without a word. */
const held = new Set<DatabaseSync>()

/**
 * Makes this process the only one on a directory until the returned function is called. It is a lock of the operating system
 * (taken through SQLite, which Node ships): it goes with its process, however that ends, and no process id can be mistaken
 * for another after a restart, as happens in containers.
 * @param advice ends the message: why only one process may, and what else to do
 * @throws Error that says who holds it and what to do
 */
export function holdDirectory(directory: string, advice: string): () => void {
  const lock = new DatabaseSync(join(directory, 'lock.sqlite'), { timeout: 0 })
  const holderFile = join(directory, 'lock.pid')
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error
    throw new Error(`${directory} is in use by process ${holderIn(holderFile)}. ${advice}`, { cause: error })
  }
  writeFileSync(holderFile, `${process.pid}\n`)
  held.add(lock)
  return () => {
    if (held.delete(lock)) lock.close()
  }
}

function holderIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
