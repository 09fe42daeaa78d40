import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * Makes this process the only one on a directory until the returned function is called. It is a lock of the operating system
 * (taken through SQLite, which Node ships): it goes with its process, however that ends, and no process id can be mistaken
 * for another after a restart, as happens in containers.
 * @throws Error that says who holds it and what to do
 */
export function holdDirectory(directory: string): () => void {
  const lock = new DatabaseSync(join(directory, 'lock.sqlite'), { timeout: 0 })
  const holderFile = join(directory, 'lock.pid')
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw new Error(
      `${directory} is in use by process ${holderIn(holderFile)}. The embedded database serves one process: stop that one, choose another DATA_DIR, or set DATABASE_URL to a PostgreSQL server.`,
      { cause: error },
    )
  }
  writeFileSync(holderFile, `${process.pid}\n`)
  return () => lock.close()
}

function holderIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return 'unknown'
  }
}
