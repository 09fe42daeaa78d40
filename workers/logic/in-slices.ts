import { setImmediate as nextTurn } from 'node:timers/promises'

/** Work on long texts that pauses itself: each pause tells how many characters it has dealt with since the one before. */
export type Sliced<T> = Generator<number, T>

/** Counting the tokens of so many characters takes some milliseconds, for which others in this process can wait. */
const CHARACTERS_PER_TURN = 32_000

/** Lets the rest of the process have its turn between slices. @throws the signal's reason */
export async function inSlices<T>(work: Sliced<T>, signal?: AbortSignal): Promise<T> {
  let since = 0
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return step.value
    since += step.value
    if (since < CHARACTERS_PER_TURN) continue
    since = 0
    await nextTurn()
    signal?.throwIfAborted()
  }
}

/** The same without pauses, for short texts and tools. */
export function atOnce<T>(work: Sliced<T>): T {
  for (let step = work.next(); ; step = work.next()) if (step.done) return step.value
}
