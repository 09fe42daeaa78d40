/**
 * Gathers calls that arrive while the previous ones are being written and writes them together: under load one statement (and
 * one fsync) carries many, when idle a call goes out at once. The idea of PostgreSQL's own group commit, moved up to where it
 * also saves the round trips.
 * @param write gets up to `maxItems` in order of arrival and returns one result per item, in the same order
 * @param maxInFlight how many writes may be under way at once
 */
export function groupCommit<Item, Result>(
  write: (items: readonly Item[]) => Promise<readonly Result[]>,
  options: { readonly maxItems: number; readonly maxInFlight: number },
): (item: Item) => Promise<Result> {
  type Entry = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }
  let waiting: Entry[] = []
  let inFlight = 0
  let scheduled = false

  const flush = async (): Promise<void> => {
    scheduled = false
    if (waiting.length === 0 || inFlight >= options.maxInFlight) return
    const batch = waiting.slice(0, options.maxItems)
    waiting = waiting.slice(options.maxItems)
    inFlight++
    try {
      const results = await write(batch.map((entry) => entry.item))
      for (const [i, entry] of batch.entries()) entry.resolve(results[i]!)
    } catch (error) {
      // One item that the database refuses must not fail its neighbours: each gets its own try.
      if (batch.length === 1) batch[0]!.reject(error)
      else
        await Promise.all(batch.map((entry) => write([entry.item]).then((results) => entry.resolve(results[0]!), entry.reject)))
    } finally {
      inFlight--
      if (waiting.length > 0) void flush()
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (scheduled || inFlight >= options.maxInFlight) return
      scheduled = true
      // After the current tick, so that calls made together travel together.
      setImmediate(() => void flush())
    })
}
