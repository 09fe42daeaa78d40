import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '#shared/config.ts'

/**
 * A file that is there from the first start until the demo has been loaded: a first start that is broken off (it takes a while, and
 * people press Ctrl-C) would otherwise leave an installation that never gets its demo.
 */
export function demoMark({ dataDir, databaseUrl }: Pick<Config, 'dataDir' | 'databaseUrl'>) {
  const file = join(dataDir, 'demo-unfinished')
  const set = () => {
    mkdirSync(dataDir, { recursive: true })
    writeFileSync(file, '')
  }
  return {
    /** Before anything is opened; whether a server's database is new can be told only afterwards. */
    beforeStart(): void {
      if (databaseUrl === undefined && !existsSync(join(dataDir, 'pglite'))) set()
    },
    /** As soon as a server's database has turned out to be new. */
    onFirstStart: set,
    isUnfinished: () => existsSync(file),
    loaded: () => rmSync(file, { force: true }),
  }
}
