import { readFileSync } from 'node:fs'
import { rounded } from './figures.ts'

/** Memory of a process, resident now (`VmRSS`) or at most so far (`VmHWM`), in MB of 10^6 bytes; Linux only. */
export function residentMb(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return rounded((Number(kib) * 1_024) / 1e6)
}
