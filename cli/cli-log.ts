import type { Config } from '#shared/config.ts'
import type { Log } from '#shared/ports/log.ts'
import { createLog } from '#shared/wiring.ts'

/** Log lines go to standard error, so that what a command prints can be piped. */
export const createCliLog = (config: Pick<Config, 'logLevel'>): Log => createLog(config.logLevel)
