import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, openAsBlob, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Database, type SqlEngine } from '#shared/database/client.ts'
import { openPglite, openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { migrate } from '#shared/database/migrate.ts'
import { template } from './template.ts'

const ROOT = join(import.meta.dirname, '../..')
const MIGRATIONS = join(ROOT, 'shared/database/migrations')
const DUMP = 'dump.tar'

/** The embedded database with its tables, in memory: as fresh as a new one, in a fifth of the time. */
export async function openMigratedPglite(): Promise<SqlEngine> {
  return openPgliteInMemory(await openAsBlob(join(await made(), DUMP)))
}

/** Puts the same where a platform with this DATA_DIR will look for it. */
export async function putMigratedPglite(dataDir: string): Promise<void> {
  mkdirSync(dataDir, { recursive: true })
  cpSync(join(await made(), 'pglite'), join(dataDir, 'pglite'), { recursive: true })
}

function made(): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(join(ROOT, 'node_modules/@electric-sql/pglite/package.json')))
  for (const file of readdirSync(MIGRATIONS).toSorted()) hash.update(file).update(readFileSync(join(MIGRATIONS, file)))
  return template(`pglite-${hash.digest('hex').slice(0, 16)}`, async (folder) => {
    const database = new Database(await openPglite(folder))
    await migrate(database)
    await database.close()
    const again = await PGlite.create(join(folder, 'pglite'))
    writeFileSync(join(folder, DUMP), Buffer.from(await (await again.dumpDataDir('none')).arrayBuffer()))
    await again.close()
  })
}
