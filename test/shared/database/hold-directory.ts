import { holdDirectory } from '#shared/database/directory-lock.ts'

/** A process of its own that holds the directory it is given until it is ended; run with --expose-gc, nothing is left to luck. */
try {
  holdDirectory(process.argv[2]!, 'Use another.')
  globalThis.gc?.()
  process.stdout.write('held\n')
  setInterval(() => {}, 60_000)
} catch (error) {
  process.stdout.write(`refused: ${(error as Error).message}\n`)
}
