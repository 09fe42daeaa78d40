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
  /**
   * Beside a write that is under way, another one has to be worth so many items (1): few large writes cost less than many small ones.
   * From two on, writes are evened out as well: the next one waits for as many as are under way and takes half of all, so that those who
   * call again once they are answered come in two equal groups, one here while the other is being written, instead of all at once.
   */
  readonly worthwhile?: number
  /** For so long after a write began the next one gathers (0). A call that comes alone still goes out at once. */
  readonly gatherMs?: number
}

const PATIENCE_MS = 20

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
  let itemsInFlight = 0
  let scheduled = false
  let impatient = false
  let patience: NodeJS.Timeout | undefined
  let lastAt = Number.NEGATIVE_INFINITY

  const evens = worthwhile > 1
  const besides = () => (evens ? Math.min(maxItems, Math.max(worthwhile, itemsInFlight)) : 1)
  const isDue = () => inFlight < maxInFlight && waiting.length >= (inFlight > 0 && !impatient ? besides() : 1)
  const fairShare = () =>
    evens && inFlight > 0 ? Math.min(maxItems, Math.max(worthwhile, Math.ceil((itemsInFlight + waiting.length) / 2))) : maxItems

  /** Whoever waits for company does not wait for long: the write that is under way may hang. */
  const bePatient = (): void => {
    if (patience !== undefined || !evens || waiting.length === 0 || inFlight === maxInFlight) return
    patience = setTimeout(() => {
      patience = undefined
      impatient = true
      flush()
      impatient = false
    }, PATIENCE_MS)
  }

  const schedule = (): void => {
    if (scheduled) return
    if (!isDue()) {
      bePatient()
      return
    }
    scheduled = true
    const waitMs = gatherMs === 0 ? 0 : lastAt + gatherMs - performance.now()
    if (waitMs > 0) setTimeout(flush, waitMs)
    // After the current tick, so that calls made together travel together.
    else setImmediate(flush)
  }

  const flush = (): void => {
    scheduled = false
    clearTimeout(patience)
    patience = undefined
    while (isDue()) {
      const batch = keyOf ? takeApart(waiting, fairShare(), keyOf, busyKeys) : waiting.splice(0, fairShare())
      if (batch.length === 0) return
      inFlight++
      itemsInFlight += batch.length
      if (gatherMs > 0) lastAt = performance.now()
      void written(write, batch).then((settle) => {
        inFlight--
        itemsInFlight -= batch.length
        if (keyOf) for (const { item } of batch) busyKeys.delete(keyOf(item))
        // First the next write, then what the callers make of this one: the database shall not wait for them.
        if (gatherMs > 0) schedule()
        else flush()
        settle()
      })
    }
    bePatient()
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

/** @returns what tells every entry of the batch how it went; never rejects */
async function written<Item, Result>(
  write: (items: readonly Item[]) => Promise<readonly Result[]>,
  batch: readonly Entry<Item, Result>[],
): Promise<() => void> {
  try {
    const results = await write(batch.map((entry) => entry.item))
    return () => {
      for (const [i, entry] of batch.entries()) entry.resolve(results[i]!)
    }
  } catch (error) {
    if (batch.length === 1) return () => batch[0]!.reject(error)
    // One item that the database refuses must not fail its neighbours: each gets its own try, and waits for no other's.
    await Promise.all(batch.map(async (entry) => (await written(write, [entry]))()))
    return () => {}
  }
}
