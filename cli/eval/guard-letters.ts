import type { MessageRow } from './guard-corpus.ts'

const HARMLESS_LETTERS = 1_000
const ATTACK_LETTERS = 400
const LETTER_WEIGHT = 1.5
const SHORT_CHARACTERS = 250
const CUSTOMERS: ReadonlySet<string> = new Set(['banking77', 'bitext', 'hint3', 'clinc150', 'dup_pairs', 'toxicity'])
const GLUE = [' ', '. ', '\n', '\n\n']

/**
 * Customers write letters, public data holds single sentences: letters of two to four messages, and attacks between such messages. Made of
 * the rows given and of nothing else, so that what is held out stays out.
 */
export function letters(rows: readonly MessageRow[], random: () => number): MessageRow[] {
  const one = <T>(some: readonly T[]): T => some[Math.floor(random() * some.length)]!
  const short = rows.filter(({ text }) => text.length <= SHORT_CHARACTERS)
  const customers = short.filter(({ source, attack }) => !attack && CUSTOMERS.has(source))
  const attacks = short.filter(({ attack }) => attack)
  if (customers.length === 0) return []
  const joined = (parts: readonly MessageRow[]) => parts.map(({ text }) => text.trim()).join(one(GLUE))
  const letter = (text: string, attack: boolean): MessageRow => ({
    text,
    attack,
    kind: attack ? 'letter' : 'benign',
    source: 'own:letter',
    weight: LETTER_WEIGHT,
  })
  const some = (most: number) => Array.from({ length: Math.ceil(random() * most) }, () => one(customers))
  const harmless = Array.from({ length: HARMLESS_LETTERS }, () => letter(joined([one(customers), ...some(3)]), false))
  if (attacks.length === 0) return harmless
  const hidden = Array.from({ length: ATTACK_LETTERS }, () => letter(joined([...some(2), one(attacks), ...some(1)]), true))
  return [...harmless, ...hidden]
}
