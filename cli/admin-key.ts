import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '#shared/config.ts'

export type AdminKey = { readonly key: string; readonly isNew: boolean; readonly file: string | undefined }

/**
 * `ADMIN_API_KEY`, else the key that an earlier start has made, else a new one. A key of our own making lies in the data
 * directory, readable by its owner only, so that the commands of this machine can use it.
 */
export function adminKey(config: Config): AdminKey {
  if (config.adminApiKey !== undefined) return { key: config.adminApiKey, isNew: false, file: undefined }
  const file = join(config.dataDir, 'admin-key')
  const kept = readKey(file)
  if (kept !== undefined) return { key: kept, isNew: false, file }
  mkdirSync(config.dataDir, { recursive: true })
  const key = `al_${randomBytes(32).toString('base64url')}`
  writeFileSync(file, `${key}\n`, { mode: 0o600 })
  return { key, isNew: true, file }
}

/** An empty file, as a crash may leave it, holds no key: an empty key would let everybody in who sends none. */
function readKey(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export const hashKey = (key: string) => createHash('sha256').update(key).digest()
