import { spawnSync } from 'node:child_process'

const hasSetpriv = spawnSync('setpriv', ['--version'], { stdio: 'ignore' }).status === 0

/** Program and arguments such that the child is killed when we die, however we die; without `setpriv` they stay as they are. */
export function tiedToUs(program: string, args: readonly string[]): [string, string[]] {
  return hasSetpriv ? ['setpriv', ['--pdeathsig', 'KILL', program, ...args]] : [program, [...args]]
}
