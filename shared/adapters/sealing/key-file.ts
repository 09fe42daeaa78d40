import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const KEY = /^[A-Za-z0-9+/]{43}=$/

export const newKey = (): string => randomBytes(32).toString('base64')

/**
 * @returns the keys of the file, base64, the one that seals first; undefined when there is no such file
 * @throws Error when there is something else in it, or it cannot be read
 */
export function readKeyFile(path: string): string[] | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`the keys in ${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  const lines = text.split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (keys.length === 0 || !keys.every((key) => KEY.test(key)))
    throw new Error(`${path} must hold keys of 32 bytes in base64, one a line; \`answerline keys new\` prints one`)
  return keys
}

/** Makes the file with one new key, for its owner alone. Of processes that do so at the same moment one wins. @returns what stands there */
export function makeKeyFile(path: string): string[] {
  mkdirSync(dirname(path), { recursive: true })
  // Written beside and linked: nobody can read half a file, and a file that is there stays.
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  writeFileSync(draft, `${newKey()}\n`, { mode: 0o600 })
  try {
    linkSync(draft, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Not every file system has links.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP')
      writeFileSync(path, readFileSync(draft), { mode: 0o600, flag: 'wx' })
    else if (code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readKeyFile(path)!
}
