import { setTimeout as sleep } from 'node:timers/promises'

export type SteadyResult = { readonly tookMs: number[]; readonly cpuMsPerCall: number }

/**
 * Begins calls at a steady pace, whether or not earlier ones have ended (an open loop: Schroeder, Wierman, Harchol-Balter,
 * "Open versus closed", NSDI 2006), and waits for all of them.
 * @returns the milliseconds that each call took, from when it began, and the processor time of this process per call
 */
export async function steadyLoad(
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
  call: (i: number) => Promise<unknown>,
): Promise<SteadyResult> {
  const tookMs: number[] = []
  const calls: Promise<void>[] = []
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  for (let i = 0; i < perSecond * seconds; i++) {
    const waitMs = startedAt + (i * 1_000) / perSecond - performance.now()
    if (waitMs > 0) await sleep(waitMs)
    const begunAt = performance.now()
    calls.push(call(i).then(() => void tookMs.push(performance.now() - begunAt)))
  }
  await Promise.all(calls)
  const { user, system } = process.cpuUsage(cpuBefore)
  return { tookMs, cpuMsPerCall: (user + system) / 1_000 / calls.length }
}
