import CliTable from 'cli-table3'
import { readConfig } from '#shared/config.ts'
import { createLog } from '#shared/wiring.ts'
import { newKey, openSealedDatabase, type Sealing } from '#shared/wiring-sealing.ts'
import { startProgress } from '../progress.ts'

const NEEDED_BEFORE =
  'answerline: by now every process must have been restarted with the new key in front, and before that with it behind the others (docs/operations.md, "Keys and tenants")'

/** One that can be put into PII_KEYS. */
export function printNewKey(): void {
  console.log(newKey())
}

/** How what is sealed stands, by column. @returns the exit code: 1 when some of it cannot be read with the configured keys */
export async function keysStatus(): Promise<number> {
  const database = await openSealedDatabase(readConfig(), createLog('warn'))
  try {
    const progress = startProgress('looking', await database.countRows())
    const found = await database.look(progress.update)
    progress.stop()
    print(found)
    return sum(found, 'unreadable') === 0 ? 0 : 1
  } finally {
    await database.close()
  }
}

/**
 * Seals everything that is not sealed with the first key anew. With DATABASE_URL the installation may go on serving; an embedded
 * database must be stopped. @returns the exit code: 1 when some of it cannot be read with the configured keys
 */
export async function keysRotate(): Promise<number> {
  const stopping = new AbortController()
  const onSignal = () => stopping.abort(new Error('stopped; run it again, what is done is passed over'))
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  const database = await openSealedDatabase(readConfig(), createLog('warn'))
  try {
    if (!database.sealer.seals) throw new Error('there is no key: set PII_KEYS; `answerline keys new` prints one')
    console.error(NEEDED_BEFORE)
    const progress = startProgress('sealing', await database.countRows())
    const found = await database.rotate(progress.update, stopping.signal)
    progress.stop()
    print(found)
    const unreadable = sum(found, 'unreadable')
    console.log(
      unreadable === 0
        ? 'everything is sealed with the first key; once no process seals with another one, run this again and take the others away'
        : `${unreadable} texts were sealed with keys that are not configured, or were changed: they stay as they are`,
    )
    return unreadable === 0 ? 0 : 1
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await database.close()
  }
}

const sum = (found: readonly Sealing[], state: 'unreadable') => found.reduce((total, one) => total + one[state], 0)

function print(found: readonly Sealing[]): void {
  const table = new CliTable({
    head: ['column', 'first key', 'other keys', 'not sealed', 'unreadable'],
    style: { head: [], border: [] },
  })
  for (const { where, current, older, unsealed, unreadable } of found) table.push([where, current, older, unsealed, unreadable])
  console.log(table.toString())
}
