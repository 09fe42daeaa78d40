import { CODES, COUNTRIES, STATES, words } from './pii-slot-lists.ts'

/** Whole values as people write them, drawn by `pii-words.ts`. */
export type Values = Readonly<Record<'given' | 'family' | 'city' | 'street', readonly string[]>>

export type Chance = {
  readonly random: () => number
  readonly pick: (list: readonly string[]) => string
  /** `#` is a digit, `?` a letter. */
  readonly sign: (...shapes: readonly string[]) => string
  readonly upTo: (least: number, most: number) => number
}

export function chanceOf(random: () => number): Chance {
  const upTo = (least: number, most: number) => least + Math.floor(random() * (most - least + 1))
  const pick = (list: readonly string[]) => list[upTo(0, list.length - 1)]!
  const sign = (...shapes: readonly string[]) =>
    pick(shapes).replace(/[#?]/g, (mark) => (mark === '#' ? String(upTo(0, 9)) : String.fromCharCode(upTo(65, 90))))
  return { random, upTo, pick, sign }
}

const NAME_OF = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' })

/** Places and the parts of an address. */
export function placesOf(values: Values, chance: Chance) {
  const { random, pick, sign } = chance
  const country = () => NAME_OF.of(pick(COUNTRIES)) ?? 'France'
  const city = () => {
    const name = pick(values.city)
    return random() < 0.15 ? name.toUpperCase() : name
  }
  const zip = () =>
    sign(
      '#####',
      '#####',
      '#####',
      '####',
      '####',
      '###',
      '### ##',
      '##-###',
      '?#? #?#',
      '??# #??',
      '#### ??',
      '####-###',
      '#####-####',
    )
  const number = () => sign('#', '##', '###', '####', '#####')
  const street = () => {
    const name = pick(values.street)
    const forms = [`${number()} ${name}`, `${name} ${number()}`, `${name} ${number()}`, `${number()} ${name} ${number()}`]
    return pick([...forms, `P.O. Box ${number()}`])
  }
  const unit = () => `${pick(words('Apt.|Suite|Apt|Unit|Flat|Floor'))} ${sign('#', '##', '###', '###')}`
  const corner = () =>
    `${pick(words('the corner of |the crossing of |the corner of '))}${pick([street(), pick(values.street)])} and ${pick(values.street)}`
  const parts = { country, city, zip, number, street, unit, corner }
  return { ...parts, address: () => addressOf(parts, values, chance) }
}

type Parts = Readonly<Record<'country' | 'city' | 'zip' | 'street' | 'unit', () => string>>

function addressOf({ country, city, zip, street, unit }: Parts, values: Values, { random, pick, sign }: Chance): string {
  const luck = random()
  if (luck < 0.02)
    return `${pick(words('USS|USNS|USCGC|USNV'))} ${pick(values.family)}\nFPO ${sign('AA', 'AE', 'AP')} ${sign('#####')}`
  if (luck < 0.07) return sign('PSC ####, Box ####\nAPO AE #####', 'Unit #### Box ####\nDPO AP #####')
  const gap = pick(['\n', '\n', ', ', ', ', ' ', '\n '])
  const head = random() < 0.5 ? `${street()}${gap}${unit()}` : street()
  const tail = pick([
    `${city()}${gap}${country()} ${zip()}`,
    `${city()}, ${pick(CODES)} ${zip()}`,
    `${zip()} ${city()}`,
    `${city()} ${zip()}`,
    `${city()}${gap}${country()}`,
    city(),
    `${city()}, ${pick(STATES)}`,
  ])
  return `${head}${gap}${tail}`
}
