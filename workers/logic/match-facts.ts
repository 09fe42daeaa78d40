import { type Fact, normalCode, normalWords } from '#shared/text/facts-in-text.ts'
import { type Evidence, wordsOf } from './read-evidence.ts'

/** `Hub 2`, `Windows 2000`; longer numbers behind a name are postal codes and the like. */
const MAX_NAME_DIGITS = 4

/** Whether a passage holds the fact, in whatever way it is written there. */
export function holdsFact(fact: Fact, evidence: Evidence): boolean {
  if (fact.kind === 'quote') return wordsOf(evidence.reading).includes(` ${fact.value} `)
  if (fact.kind === 'code')
    return standsAmong(fact, evidence.facts) || wordsOf(evidence.reading).includes(` ${normalWords(fact.raw)} `)
  return standsAmong(fact, evidence.facts)
}

/** Whether one of `known` says the same as `fact`. */
export function standsAmong(fact: Fact, known: readonly Fact[]): boolean {
  if (fact.kind === 'quote') return known.some((other) => other.kind === 'quote' && other.value === fact.value)
  return known.some((other) => agrees(fact, other))
}

function agrees(fact: Fact, other: Fact): boolean {
  if (fact.kind === other.kind && fact.value === other.value)
    return fact.per === undefined || other.per === undefined || fact.per === other.per
  switch (fact.kind) {
    case 'date':
      return other.kind === 'date' && datesAgree(fact.value, other.value)
    case 'phone':
      return other.kind === 'phone' && (other.value.endsWith(fact.value) || fact.value.endsWith(other.value))
    case 'version':
      return (other.kind === 'version' || other.kind === 'number') && digitsOf(fact) === digitsOf(other)
    case 'code':
      return (
        other.kind === 'number' &&
        (normalCode(other.raw) === fact.value || normalCode(`${other.before ?? ''}${other.value}`) === fact.value)
      )
    case 'number':
    case 'price':
    case 'percent':
    case 'duration':
      return amountsAgree(fact, other)
    default:
      return false
  }
}

/** `2025-03` agrees with 2025-03-03, and so does `--03-03`; an ambiguous `03/04/2025` with either reading. */
function datesAgree(claimed: string, known: string): boolean {
  return claimed
    .split('|')
    .some((a) =>
      known.split('|').some((b) => a === b || b.startsWith(`${a}-`) || (a.startsWith('--') && b.slice(4).startsWith(a.slice(1)))),
    )
}

const digitsOf = (fact: Fact): string => fact.raw.replace(/[^\d.]/g, '')

function amountsAgree(fact: Fact, other: Fact): boolean {
  if (other.kind === 'date') return fact.kind === 'number' && fact.unit === undefined && dateHolds(other.value, fact.value)
  if (other.kind === 'code')
    return fact.kind === 'number' && fact.before !== undefined && normalCode(fact.before + fact.value) === other.value
  if (fact.amount === undefined || other.amount !== fact.amount)
    return fact.unit === undefined && other.kind === 'version' && other.value === fact.value
  // A number without a unit may be any number's: tables put the unit into the header, and answers leave it to the context.
  if (fact.unit === undefined || other.unit === undefined) return true
  // 14 hours and 14 days are both held in seconds: equal ones have the same value and were found above.
  return fact.unit === other.unit && fact.kind !== 'duration' && other.kind !== 'duration'
}

const dateHolds = (date: string, number: string): boolean =>
  date.split('|').some((one) => one.split('-').some((part) => part !== '' && Number(part) === Number(number)))

/** Whether two facts answer the same kind of question, so that one can stand in the other's place: 30 days and 14 days. */
export function comparable(a: Fact, b: Fact): boolean {
  if ((a.kind === 'duration' && b.kind === 'duration') || (a.kind === 'price' && b.kind === 'price')) return true
  // 5 GB and 5 MB, 3 °C and 3 °F: the number stayed and its unit was changed.
  if (a.amount !== undefined && a.amount === b.amount && a.unit !== undefined && b.unit !== undefined) return true
  if (a.kind === 'number' && b.kind === 'number')
    return a.unit === b.unit && (a.unit !== undefined || sameWord(a.before, b.before) || !(isName(a) || isName(b)))
  if (a.kind === 'version' && b.kind === 'number') return true
  return a.kind === b.kind && a.kind !== 'quote' && a.unit === b.unit
}

/**
 * `Hub 3` where the passages speak of `Hub 1` and `Hub 2` only: the number may stand elsewhere, the name does not. Returns the
 * name that they use, or undefined when there is no such contradiction.
 */
export function otherName(fact: Fact, known: readonly Fact[]): Fact | undefined {
  if (fact.kind !== 'number' || fact.before === undefined || fact.unit !== undefined || fact.value.length > MAX_NAME_DIGITS)
    return undefined
  const named = known.filter((other) => other.unit === undefined && sameWord(other.before, fact.before))
  return named.some(isName) && !named.some((other) => other.value === fact.value) ? named[0] : undefined
}

const isName = (fact: Fact): boolean => /^\p{Lu}/u.test(fact.before ?? '')
const sameWord = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && a.toLowerCase() === b.toLowerCase()
