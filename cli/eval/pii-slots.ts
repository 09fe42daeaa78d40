import type { TaggedType } from '#workers/logic/pii-tagger.ts'
import {
  CODES,
  DAYS,
  FIELDS,
  FIRST_PARTS,
  JOBS,
  LAST_PARTS,
  MONTHS,
  NATIONS,
  STATES,
  SUFFIXES,
  SYLLABLES,
  TITLES,
  words,
} from './pii-slot-lists.ts'
import { type Chance, chanceOf, placesOf, type Values } from './pii-slot-places.ts'

export type Draw = () => readonly [TaggedType, string]

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

function companyOf(values: Values, { random, pick, upTo }: Chance): string {
  const last = () => pick(values.family)
  const coined = () => capital(Array.from({ length: upTo(2, 4) }, () => pick(SYLLABLES)).join(''))
  const kinds = [
    () => `${last()}-${last()}`,
    () => `${last()} ${pick(SUFFIXES)}`,
    () => `${last()}, ${last()} and ${last()}`,
    () => `${pick(FIRST_PARTS)} ${pick(LAST_PARTS)}`,
    () => pick(FIRST_PARTS) + (random() < 0.5 ? pick(LAST_PARTS).split(' ')[0]! : pick(LAST_PARTS).toLowerCase().split(' ')[0]!),
    () => `${coined()} ${pick(LAST_PARTS)}`,
    coined,
    coined,
    () => `${coined()} ${pick(SUFFIXES)}`,
    () => `${pick(FIRST_PARTS)} ${pick(FIRST_PARTS)} ${pick(LAST_PARTS)}`,
    () => `${pick(values.city)} ${pick(LAST_PARTS)}`,
    () => `The ${pick(FIRST_PARTS)} ${pick(LAST_PARTS)}`,
    () => `${last()} & ${last()}`,
    () => Array.from({ length: upTo(3, 4) }, () => String.fromCharCode(upTo(65, 90))).join(''),
  ]
  return kinds[upTo(0, kinds.length - 1)]!()
}

function dateOf({ pick, upTo, sign }: Chance): string {
  const [day, month, year] = [upTo(1, 28), upTo(1, 12), upTo(1935, 2025)]
  const two = (number: number) => String(number).padStart(2, '0')
  const name = MONTHS[month - 1]!
  return pick([
    `${month}/${day}/${year}`,
    `${month}/${day}/${year}`,
    `${year}-${two(month)}-${two(day)}`,
    `${two(day)}.${two(month)}.${year}`,
    `${name} ${day}, ${year}`,
    `${day} ${name} ${year}`,
    `${name} ${year}`,
    `${name} ${day}`,
    `${two(day)}/${two(month)}/${sign('##')}`,
  ])
}

function peopleOf(values: Values, { random, pick }: Chance) {
  const first = () => pick(values.given)
  const last = () => pick(values.family)
  const name = () => {
    const luck = random()
    if (luck < 0.1) return `${first()} ${String.fromCharCode(65 + Math.floor(random() * 26))}${luck < 0.07 ? '.' : ''} ${last()}`
    return luck < 0.14 ? `${first()} ${last()}-${last()}` : `${first()} ${last()}`
  }
  const job = () => {
    const title = random() < 0.4 ? pick(JOBS) : `${pick(FIELDS)} ${pick(JOBS)}`
    const whole = random() < 0.1 ? `${title} and ${pick(FIELDS)} ${pick(JOBS)}` : title
    return random() < 0.7 ? capital(whole) : random() < 0.4 ? whole.replace(/\b[a-z]/g, (letter) => letter.toUpperCase()) : whole
  }
  return { first, last, name, job }
}

const of =
  (type: TaggedType, write: () => string): Draw =>
  () => [type, write()]
const byType = (type: TaggedType, writers: Readonly<Record<string, () => string>>): Record<string, Draw> =>
  Object.fromEntries(Object.entries(writers).map(([slot, write]) => [slot, of(type, write)]))

/** What may stand in a mould, by its name there. */
export function slotsOf(values: Values, random: () => number): Readonly<Record<string, Draw>> {
  const chance = chanceOf(random)
  const { pick, upTo } = chance
  const { country, city, zip, ...streets } = placesOf(values, chance)
  const { job, ...names } = peopleOf(values, chance)
  const place = () => (random() < 0.5 ? city() : country())
  return {
    ...byType('PERSON', names),
    ...byType('GPE', { country, city, place, state: () => pick(STATES), code: () => pick(CODES) }),
    ...byType('STREET_ADDRESS', streets),
    ...byType('DATE_TIME', {
      date: () => dateOf(chance),
      year: () => String(upTo(1950, 2024)),
      day: () => pick(DAYS),
      datetime: () => `${upTo(1960, 2024)}-0${upTo(1, 9)}-${upTo(10, 28)} ${upTo(10, 23)}:${upTo(10, 59)}:${upTo(10, 59)}`,
    }),
    ...byType('TITLE', {
      job,
      title: () => pick(TITLES),
      'title-de': () => pick(words('Herr|Frau|Herrn|Dr.')),
      'title-fr': () => pick(words('Monsieur|Madame|Mme|M.')),
      'title-es': () => pick(words('Señor|Señora|Sr.|Sra.')),
      'title-it': () => pick(words('Signor|Signora|Dott.')),
    }),
    org: of('ORGANIZATION', () => companyOf(values, chance)),
    nation: of('NRP', () => pick(NATIONS)),
    age: of('AGE', () => String(upTo(4, 96))),
    zip: of('ZIP_CODE', zip),
    ...numbersOf(values, chance),
  }
}

const PHONES = words(
  '###-###-####|(###) ###-####|+1-###-###-####|+49 ### #######|0## ### ## ##|0#### ######|## ## ## ##|### ####|(0#) #### ####|+44 #### ######|### ### ###|0### ## ## ##|+3# ## ### ## ##|####-####',
)

/** What patterns find, for the sentences around it. */
function numbersOf(values: Values, { pick, sign, upTo }: Chance): Record<string, Draw> {
  const host = () => pick(SYLLABLES) + pick(SYLLABLES)
  return {
    phone: of('PHONE_NUMBER', () => sign(...PHONES)),
    email: of('EMAIL_ADDRESS', () => `${pick(values.given)}.${pick(values.family)}@${host()}.example`.replaceAll(' ', '')),
    url: of(
      'DOMAIN_NAME',
      () => pick(words('https://|http://|https://www.|www.')) + host() + pick(words('.com|.de|.org|.co.uk/')),
    ),
    card: of('CREDIT_CARD', () =>
      sign('4### #### #### ####', '4###############', '5###############', '37#############', '6011############'),
    ),
    iban: of('IBAN_CODE', () => sign('DE##################', 'GB##????##############', 'FR## #### #### #### #### #### ###')),
    ssn: of('US_SSN', () => sign('###-##-####', '### ## ####', '#########')),
    ip: of('IP_ADDRESS', () => Array.from({ length: 4 }, () => upTo(1, 254)).join('.')),
    licence: of('US_DRIVER_LICENSE', () => sign('?#######', '?### #### ####', '#########', '??######', '?##-##-####')),
  }
}
