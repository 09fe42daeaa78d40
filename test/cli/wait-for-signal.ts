import { untilStopped } from '#cli/stop-signals.ts'

/** A process of its own that stops cleanly, never, or with an error: `wait-for-signal.ts clean|never|broken`. */
const stops: Record<string, () => Promise<void>> = {
  clean: async () => {},
  never: () => new Promise(() => {}),
  broken: async () => {
    throw new Error('the database is away')
  },
}
const busy = setInterval(() => {}, 60_000)
const stopped = untilStopped(stops[process.argv[2]!]!, (line) => process.stdout.write(`${line}\n`))
process.stdout.write('ready\n')
await stopped
clearInterval(busy)
