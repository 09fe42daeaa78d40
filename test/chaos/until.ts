import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 25

/** @throws Error that says what did not come about within `timeoutMs` */
export async function until(what: string, timeoutMs: number, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs / 1_000} s: ${what}`)
    await sleep(LOOK_EVERY_MS)
  }
}
