type Entry<Item, Result> = {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

type Options<Item> = {
  /** At most so many in one write. */
  readonly maxItems: number
  /** How many writes may be under way at once. */
  readonly maxInFlight: number
  /** Items of one key are written one after the other, never in one write: a statement cannot touch a row twice. */
  readonly keyOf?: (item: Item) => string
  /** Beside a write that is under way, another one has to be worth so many items (1): few large writes cost less than many small ones. */
  readonly worthwhile?: number
  /** For so long after a write began the next one gathers (0). A call that comes alone still goes out at once. */
  readonly gatherMs?: number
}

/**
 * Gathers calls that arrive while the previous ones are being written and writes them together: under load one statement (and
 * one fsync) carries many, when idle a call goes out at once. The idea of PostgreSQL's own group commit, moved up to where it
 * also saves the round trips.
 * @param write gets up to `maxItems` in order of arrival and returns one result per item, in the same order
 */
export function groupCommit<Item, Result>(
  write: (items: readonly Item[]) => Promise<readonly Result[]>,
  { maxItems, maxInFlight, keyOf, worthwhile = 1, gatherMs = 0 }: Options<Item>,
): (item: Item) => Promise<Result> {
  const waiting: Entry<Item, Result>[] = []
  const busyKeys = new Set<string>()
  let inFlight = 0
  let scheduled = false
  let lastAt = Number.NEGATIVE_INFINITY

  const isDue = () => inFlight < maxInFlight && waiting.length >= (inFlight > 0 ? worthwhile : 1)

  const schedule = (): void => {
    if (scheduled || !isDue()) return
    scheduled = true
    const waitMs = gatherMs === 0 ? 0 : lastAt + gatherMs - performance.now()
    if (waitMs > 0) setTimeout(flush, waitMs)
    // After the current tick, so that calls made together travel together.
    else setImmediate(flush)
  }

  const flush = (): void => {
    scheduled = false
    while (isDue()) {
      const batch = keyOf ? takeApart(waiting, maxItems, keyOf, busyKeys) : waiting.splice(0, maxItems)
      if (batch.length === 0) return
      inFlight++
      if (gatherMs > 0) lastAt = performance.now()
      void commit(write, batch).finally(() => {
        inFlight--
        if (keyOf) for (const { item } of batch) busyKeys.delete(keyOf(item))
        if (gatherMs > 0) schedule()
        else flush()
      })
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      schedule()
    })
}

/** Takes the oldest entries whose keys are not being written, and marks those keys; the others keep their order. */
function takeApart<Item, Result>(
  waiting: Entry<Item, Result>[],
  maxItems: number,
  keyOf: (item: Item) => string,
  busyKeys: Set<string>,
): Entry<Item, Result>[] {
  const batch: Entry<Item, Result>[] = []
  const rest: Entry<Item, Result>[] = []
  for (const entry of waiting) {
    const key = keyOf(entry.item)
    if (batch.length === maxItems || busyKeys.has(key)) rest.push(entry)
    else {
      busyKeys.add(key)
      batch.push(entry)
    }
  }
  waiting.splice(0, waiting.length, ...rest)
  return batch
}

/** Settles every entry of the batch; never rejects. */
async function commit<Item, Result>(
  write: (items: readonly Item[]) => Promise<readonly Result[]>,
  batch: readonly Entry<Item, Result>[],
): Promise<void> {
  try {
    const results = await write(batch.map((entry) => entry.item))
    for (const [i, entry] of batch.entries()) entry.resolve(results[i]!)
  } catch (error) {
    // One item that the database refuses must not fail its neighbours: each gets its own try.
    if (batch.length === 1) batch[0]!.reject(error)
    else await Promise.all(batch.map((entry) => commit(write, [entry])))
  }
}
