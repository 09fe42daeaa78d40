/** A duration as people write it in a pipeline: `'200ms'`, `'15s'`, `'5m'`, `'2h'`, `'3d'`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** @returns milliseconds. @throws TypeError when it is not a duration: a wrong one must never become 0 ms. */
export function durationMs(duration: Duration): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(duration)
  if (!match) throw new TypeError(`"${duration}" is not a duration; write a number and ms, s, m, h or d, such as "15s"`)
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]
}
