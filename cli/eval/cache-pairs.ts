import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { differsIn, readGuarded } from '#workers/logic/cache-guards.ts'

const Line = z.object({
  a: z.string(),
  b: z.string(),
  dup: z.union([z.boolean(), z.number()]).nullish(),
  src: z.string().default('all'),
})
export type CachePair = { readonly a: string; readonly b: string; readonly dup: 0 | 1; readonly src: string }

/** Pairs that nobody could decide on (`dup` null) are left out. @throws Error that names the line */
export function readPairs(file: string): CachePair[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.flatMap((line, at) => {
    if (line.trim() === '') return []
    try {
      const { dup, ...pair } = Line.parse(JSON.parse(line))
      return dup === null || dup === undefined ? [] : [{ ...pair, dup: dup === true || dup === 1 ? 1 : 0 }]
    } catch (error) {
      throw new Error(`${file}, line ${at + 1}: ${(error as Error).message.slice(0, 200)}`)
    }
  })
}

export const differsInPair = ({ a, b }: Pick<CachePair, 'a' | 'b'>) => differsIn(readGuarded(a), readGuarded(b))
