import { type Fact, factsIn } from '#shared/text/facts-in-text.ts'

/** Linear congruential generator (Numerical Recipes): the same changes in every run. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export const pick = <T>(list: readonly T[], random: () => number): T | undefined => list[Math.floor(random() * list.length)]

/** Changes what a sentence says in one place; undefined where it holds nothing of the kind. @param source its whole article */
export type Swap = (text: string, random: () => number, source: string) => string | undefined

const valuesOf = (text: string) =>
  factsIn(text)
    .map(({ value }) => value)
    .join()

const swapFact =
  (kinds: readonly Fact['kind'][], change: (raw: string, random: () => number) => string | undefined): Swap =>
  (text, random) => {
    const fact = pick(
      factsIn(text).filter(({ kind, raw }) => kinds.includes(kind) && /\d/.test(raw)),
      random,
    )
    const changed = fact && change(fact.raw, random)
    if (fact === undefined || changed === undefined || changed === fact.raw) return undefined
    const swapped = text.slice(0, fact.start) + changed + text.slice(fact.end)
    return valuesOf(swapped) === valuesOf(text) ? undefined : swapped
  }

const otherNumber = (raw: string, random: () => number) =>
  raw.replace(/\d+/, (digits) => String(Number(digits) + 1 + Math.floor(random() * 9)))
const otherLastDigit = (raw: string, random: () => number) =>
  raw.replace(/\d(?!.*\d)/, (digit) => String((Number(digit) + 1 + Math.floor(random() * 8)) % 10))

const UNITS = [
  ['seconds', 'minutes', 'hours', 'days', 'weeks', 'months', 'years'],
  ['second', 'minute', 'hour', 'day', 'week', 'month', 'year'],
  ['KB', 'MB', 'GB', 'TB'],
  ['Mbps', 'Gbps', 'kbps'],
  ['MHz', 'GHz', 'kHz'],
  ['mm', 'cm', 'metres', 'km', 'miles', 'feet'],
  ['W', 'kW', 'MW'],
  ['Wh', 'kWh'],
  ['V', 'mV', 'A', 'mA'],
  ['$', '€', '£'],
  ['dollars', 'euros', 'pounds'],
  ['grams', 'kg', 'tonnes', 'pounds'],
  ['°C', '°F'],
  ['million', 'billion', 'thousand'],
]

/** `14 days` to `14 weeks`, `5 GB` to `5 MB`, `$9` to `€9`: the number stays as it is. */
const otherUnit = swapFact(['number', 'duration', 'price'], (raw, random) => {
  const family = UNITS.find((units) => units.some((unit) => hasUnit(raw, unit)))
  const unit = family?.find((one) => hasUnit(raw, one))
  const other =
    family &&
    pick(
      family.filter((one) => one !== unit),
      random,
    )
  return unit === undefined || other === undefined ? undefined : raw.replace(unit, other)
})
const hasUnit = (raw: string, unit: string) =>
  /\p{L}/u.test(unit) ? new RegExp(`(?<![\\p{L}])${unit}(?![\\p{L}])`, 'u').test(raw) : raw.includes(unit)

/** Names of an article: words with a capital letter inside a sentence, as many as follow one another. */
export const namesIn = (text: string): { readonly name: string; readonly at: number }[] =>
  [...text.matchAll(/(?<=[\p{Ll},] )\p{Lu}\p{Ll}{2,}(?: \p{Lu}\p{Ll}{2,}){0,2}(?![\p{L}\p{N}-])(?! \d)/gu)].map((match) => ({
    name: match[0],
    at: match.index,
  }))

const FOREIGN = ['Zurich', 'Nokia', 'Maria Keller', 'Brazil', 'Firefox', 'Acme Cloud', 'Toronto', 'Oracle', 'Samsung', 'Denmark']
const NO_NAMES =
  /^(?:You|Your|The|This|That|What|If|When|How|It|We|In|On|And|Or|For|Not|January|February|March|April|May|June|July|August|September|October|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)$/

/** Half of the time by another name of the same article, else by one from elsewhere. */
const otherName: Swap = (text, random, source) => {
  const named = pick(
    namesIn(text).filter(({ name }) => !NO_NAMES.test(name)),
    random,
  )
  if (named === undefined) return undefined
  const nearby = [...new Set(namesIn(source).map(({ name }) => name))].filter(
    (name) => !text.includes(name) && !named.name.includes(name) && !NO_NAMES.test(name),
  )
  const other = pick(random() < 0.5 && nearby.length > 0 ? nearby : FOREIGN.filter((name) => !source.includes(name)), random)
  return other && text.slice(0, named.at) + other + text.slice(named.at + named.name.length)
}

const dropNegation: Swap = (text) =>
  / (?:do|does|is|are|will|can) not\b|\bcannot\b/.test(text) ? text.replace(/ not\b/, '').replace(/\bcannot\b/, 'can') : undefined

const addNegation: Swap = (text) => {
  if (/\b(?:not|no|never|cannot|without)\b/.test(text)) return undefined
  return / (?:is|are|can|will|must) /.test(text) ? text.replace(/ (is|are|can|will|must) /, ' $1 not ') : undefined
}

export const SWAPS: Readonly<Record<string, Swap>> = {
  number: swapFact(['number', 'duration', 'percent'], otherNumber),
  price: swapFact(['price'], otherNumber),
  date: swapFact(['date'], otherLastDigit),
  code: swapFact(['code'], otherLastDigit),
  unit: otherUnit,
  name: otherName,
  'negation dropped': dropNegation,
  'negation added': addNegation,
}
