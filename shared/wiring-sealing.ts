import { join } from 'node:path'
import { makeKeyFile, newKey, readKeyFile } from './adapters/sealing/key-file.ts'
import { createAesGcmSealer, keyIdOf } from './adapters/sealing/sealer.aes-gcm.ts'
import { countSealedRows, reseal, type Sealing } from './adapters/state/reseal.ts'
import type { Config } from './config.ts'
import { Database } from './database/client.ts'
import { openPglite } from './database/engine.pglite.ts'
import { openPostgres } from './database/engine.postgres.ts'
import { migrate } from './database/migrate.ts'
import { KeyMissing } from './domain/sealed.ts'
import type { Log } from './ports/log.ts'
import type { Sealer } from './ports/sealer.ts'

const WHY = 'the keys are the installation’s'
const CHECK_PLACE = ['', 'seal-check'] as const
const CHECK_TEXT = 'this text was sealed with a key of this installation'

export type { Sealing }
export { newKey }

export type KeyConfig = Pick<Config, 'piiKeys' | 'piiKeysFile' | 'databaseUrl' | 'dataDir'>

/** Where the keys are: in the configuration, in the file it names, or beside the embedded database; nowhere for a server without either. */
export const keyFileOf = ({ piiKeys, piiKeysFile, databaseUrl, dataDir }: KeyConfig): string | undefined =>
  piiKeys === undefined ? (piiKeysFile ?? (databaseUrl === undefined ? join(dataDir, 'pii-keys') : undefined)) : undefined

/**
 * The sealer of this installation. A key file that is missing is made when nothing was sealed yet: later a new key would only
 * hide that the old one is lost.
 * @throws Error that says what to do when this process could not read what is sealed already
 */
export async function openSealer(config: KeyConfig, database: Database, log: Log): Promise<Sealer> {
  const path = keyFileOf(config)
  const check = await readCheck(database)
  let keys = config.piiKeys ?? (path === undefined ? [] : readKeyFile(path))
  if (keys === undefined && check === undefined) {
    keys = makeKeyFile(path!)
    log.warn(
      { path },
      'made the key that seals personal data; keep a copy of it apart from the database: without it the data is lost',
    )
  }
  const bytes = (keys ?? []).map((key) => Buffer.from(key, 'base64'))
  const sealer = createAesGcmSealer(bytes)
  if (!sealer.seals && check === undefined) {
    log.warn(
      {},
      'PII_KEYS is not set: what customers write stands readable in the database (docs/security.md, "encryption at rest")',
    )
    return sealer
  }
  assertOpens(sealer, check ?? (await writeCheck(database, sealer)), path)
  log.info({ keyId: keyIdOf(bytes[0]!) }, 'personal data is sealed')
  return sealer
}

async function readCheck(database: Database): Promise<string | undefined> {
  const [row] = await database.asSystem(WHY, 'SELECT envelope FROM seal_check')
  return row && String(row['envelope'])
}

/** @returns what stands: another process may have been faster, with another key */
async function writeCheck(database: Database, sealer: Sealer): Promise<string> {
  const sql = 'INSERT INTO seal_check (envelope) VALUES ($1) ON CONFLICT DO NOTHING'
  await database.asSystem(WHY, sql, [sealer.seal(CHECK_TEXT, CHECK_PLACE)])
  return (await readCheck(database))!
}

/** After a rotation: from then on the older keys are not needed to start. */
async function renewCheck(database: Database, sealer: Sealer): Promise<void> {
  await database.asSystem(WHY, 'UPDATE seal_check SET envelope = $1', [sealer.seal(CHECK_TEXT, CHECK_PLACE)])
}

function assertOpens(sealer: Sealer, envelope: string, path: string | undefined): void {
  try {
    sealer.open(envelope, CHECK_PLACE)
  } catch (error) {
    if (!(error instanceof KeyMissing)) throw error
    const where = path === undefined ? 'set PII_KEYS' : `put it into ${path}, or set PII_KEYS`
    throw new Error(
      `personal data in this database is sealed with the key ${error.keyId}, which this process does not have: ${where} as the processes that wrote it have it, or bring it back from its copy`,
      { cause: error },
    )
  }
}

/** For `answerline keys`: the database and its sealer alone; an embedded database must not be in use. */
export async function openSealedDatabase(config: KeyConfig, log: Log) {
  const { databaseUrl, dataDir } = config
  const database = new Database(databaseUrl === undefined ? await openPglite(dataDir) : openPostgres(databaseUrl))
  try {
    await migrate(database, { say: (line) => log.warn({}, line) })
    const sealer = await openSealer(config, database, log)
    return {
      sealer,
      countRows: () => countSealedRows(database),
      look: (onProgress: (rows: number) => void) => reseal(database, sealer, { write: false, onProgress }),
      async rotate(onProgress: (rows: number) => void, signal: AbortSignal): Promise<Sealing[]> {
        const found = await reseal(database, sealer, { write: true, onProgress, signal })
        if (found.every(({ unreadable }) => unreadable === 0)) await renewCheck(database, sealer)
        return found
      },
      close: () => database.close(),
    }
  } catch (error) {
    await database.close()
    throw error
  }
}
