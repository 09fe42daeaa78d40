const PATIENCE_MS = 20_000

/**
 * Resolves after SIGINT or SIGTERM and a clean stop. A second signal, or a stop that takes too long, ends the process at once:
 * whoever asks twice means it, and nothing is lost by it.
 */
export function untilStopped(stop: () => Promise<void>, say: (line: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false
    const onSignal = () => {
      if (stopping) process.exit(1)
      stopping = true
      say('stopping: finishing or handing back what is in hand …')
      setTimeout(() => process.exit(1), PATIENCE_MS).unref()
      stop().then(
        () => {
          say('stopped; what was stored is there at the next start')
          resolve()
        },
        (error) => {
          say(`could not stop cleanly: ${String(error)}`)
          process.exit(1)
        },
      )
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
