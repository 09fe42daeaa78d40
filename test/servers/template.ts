import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, '../../node_modules/.answerline-tests')

/**
 * What takes seconds to make and milliseconds to copy, such as an empty database: made by the first test that needs it and kept
 * beside the packages. Tests that come at the same time may each make it; the first to be done is kept.
 * @param name with everything that it depends on (versions, a hash of what it was made from)
 * @param make fills an empty folder
 * @returns the folder, which is only to be read
 */
export async function template(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(FOLDER, name)
  if (existsSync(folder)) return folder
  mkdirSync(FOLDER, { recursive: true })
  const draft = mkdtempSync(`${folder}-`)
  try {
    await make(draft)
    renameSync(draft, folder)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}
