import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const [head, ...lines] = readFileSync(join(import.meta.dirname, 'support-words.txt'), 'utf8').split('\n')
const TEXTS = Number(head!.split(' ')[1])
const COUNTS = new Map(
  lines.map((line): [string, number] => [line.slice(0, line.indexOf(' ')), Number(line.slice(line.indexOf(' ') + 1))]),
)
/** What is not in the list stands in fewer texts than this. */
const RARE = 8
const LEAST_WEIGHT = 0.15
const NUMBER_WEIGHT = 1.1

/**
 * How much it says that a source holds this stem, 0.15 to 1.1: inverse document frequency in public texts (cli/eval/support-words.ts),
 * scaled so that a word which none of them has weighs 1. Numbers and codes weigh most.
 */
export function termWeight(term: string): number {
  if (/\d/.test(term)) return NUMBER_WEIGHT
  const inverse = Math.log(TEXTS / Math.max(RARE, COUNTS.get(term) ?? 0)) / Math.log(TEXTS / RARE)
  return LEAST_WEIGHT + (1 - LEAST_WEIGHT) * inverse
}
