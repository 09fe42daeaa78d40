import type { MessageRow } from './guard-corpus.ts'

const HARMLESS_LETTERS = 2_000
const ATTACK_LETTERS = 600
const LETTER_WEIGHT = 1
const SHORT_CHARACTERS = 250
const CUSTOMERS: ReadonlySet<string> = new Set(['banking77', 'bitext', 'hint3', 'clinc150', 'dup_pairs', 'toxicity'])
/** Who writes gives a name, a number, an address: neither a reason for suspicion nor an excuse, so attackers' letters have them, too. */
const DETAILS: ReadonlySet<string> = new Set(['own:contact-details', 'own:contact-languages'])
const GLUE = [' ', ' ', '. ', '\n', '\n\n']

/**
 * Customers write letters, public data holds single sentences: letters of two to four messages, and attacks between such messages. Made of
 * the rows given and of nothing else, so that what is held out stays out.
 */
export function letters(rows: readonly MessageRow[], random: () => number): MessageRow[] {
  const one = <T>(some: readonly T[]): T => some[Math.floor(random() * some.length)]!
  const short = rows.filter(({ text }) => text.length <= SHORT_CHARACTERS)
  const customers = short.filter(({ source, attack }) => !attack && CUSTOMERS.has(source))
  const attacks = short.filter(({ attack }) => attack)
  const details = rows.filter(({ source }) => DETAILS.has(source))
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
  const personal = (most: number) =>
    details.length > 0 && random() < 0.6 ? Array.from({ length: Math.ceil(random() * most) }, () => one(details)) : []
  const harmless = Array.from({ length: HARMLESS_LETTERS }, () =>
    letter(joined([...personal(3), one(customers), ...some(3), ...personal(2)]), false),
  )
  if (attacks.length === 0) return harmless
  const hidden = Array.from({ length: ATTACK_LETTERS }, () =>
    letter(joined([...personal(2), ...some(2), one(attacks), ...some(1), ...personal(1)]), true),
  )
  return [...harmless, ...hidden]
}
