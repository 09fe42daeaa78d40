/** Canonical unit and its spellings. Single letters that are also words (`a`, `in`, `b`) count in their proper case only. */
const MEASURES: Record<string, string> = {
  byte: 'byte bytes',
  kb: 'kb kilobyte kilobytes kib',
  mb: 'mb megabyte megabytes mib',
  gb: 'gb gigabyte gigabytes gib',
  tb: 'tb terabyte terabytes tib',
  kbps: 'kbps kbit',
  mbps: 'mbps mbit',
  gbps: 'gbps gbit',
  hz: 'hz hertz',
  khz: 'khz',
  mhz: 'mhz',
  ghz: 'ghz',
  mm: 'mm millimetre millimetres millimeter millimeters',
  cm: 'cm centimetre centimetres centimeter centimeters',
  metre: 'm metre metres meter meters',
  km: 'km kilometre kilometres kilometer kilometers',
  inch: 'inch inches',
  foot: 'ft foot feet',
  yard: 'yard yards',
  mile: 'mile miles mi',
  acre: 'acre acres',
  hectare: 'hectare hectares ha',
  mg: 'mg milligram milligrams',
  gram: 'g gram grams',
  kg: 'kg kilogram kilograms kilo kilos',
  tonne: 'tonne tonnes ton tons',
  lb: 'lb lbs',
  ounce: 'oz ounce ounces',
  ml: 'ml millilitre millilitres milliliter milliliters',
  litre: 'l L litre litres liter liters',
  gallon: 'gallon gallons gal',
  volt: 'V volt volts',
  mv: 'mV',
  ampere: 'A amp amps ampere amperes',
  ma: 'mA',
  mah: 'mAh',
  watt: 'W watt watts',
  kw: 'kW kilowatt kilowatts',
  mw: 'MW megawatt megawatts',
  wh: 'Wh',
  kwh: 'kWh kwh',
  degree: '° degree degrees',
  celsius: '°c °C ℃ celsius',
  fahrenheit: '°f °F fahrenheit',
  pixel: 'px pixel pixels',
  dpi: 'dpi',
  db: 'dB',
  dbm: 'dBm',
  ppm: 'ppm',
  lux: 'lux',
  bar: 'bar',
  bit: 'bit bits',
}

const DURATIONS: Record<string, readonly [unit: string, factor: number]> = {
  ms: ['s', 0.001],
  millisecond: ['s', 0.001],
  s: ['s', 1],
  sec: ['s', 1],
  second: ['s', 1],
  min: ['s', 60],
  minute: ['s', 60],
  h: ['s', 3_600],
  hr: ['s', 3_600],
  hour: ['s', 3_600],
  day: ['s', 86_400],
  week: ['s', 604_800],
  month: ['month', 1],
  yr: ['month', 12],
  year: ['month', 12],
  decade: ['month', 120],
  century: ['month', 1_200],
}

const SYMBOLS: Record<string, string> = {
  $: 'USD',
  US$: 'USD',
  C$: 'CAD',
  CA$: 'CAD',
  A$: 'AUD',
  AU$: 'AUD',
  '€': 'EUR',
  '£': 'GBP',
  '¥': 'JPY',
  '₹': 'INR',
}
const CURRENCIES: Record<string, string> = {
  usd: 'USD',
  dollar: 'USD',
  eur: 'EUR',
  euro: 'EUR',
  gbp: 'GBP',
  pound: 'GBP',
  cad: 'CAD',
  aud: 'AUD',
  chf: 'CHF',
  franc: 'CHF',
  jpy: 'JPY',
  yen: 'JPY',
  inr: 'INR',
  rupee: 'INR',
  cny: 'CNY',
  yuan: 'CNY',
  sek: 'SEK',
  nok: 'NOK',
  dkk: 'DKK',
  pln: 'PLN',
  cent: 'cent',
}

const measures = new Map(
  Object.entries(MEASURES).flatMap(([unit, spellings]) => spellings.split(' ').map((one) => [one, unit] as const)),
)

const singular = (word: string): string => (word.length > 3 && word.endsWith('s') ? word.slice(0, -1) : word)

/** `GB`, `gigabytes` -> gb; undefined for words that are not units. */
export const measureOf = (word: string): string | undefined =>
  measures.get(word) ?? (word.length > 1 ? measures.get(word.toLowerCase()) : undefined)

/** `weeks` -> 604,800 s. Months and years stay apart from seconds: 30 days is not a month. */
export const durationOf = (word: string): readonly [unit: string, factor: number] | undefined => {
  const lower = word.toLowerCase()
  const key = lower === 'secs' || lower === 'mins' || lower === 'hrs' || lower === 'yrs' ? lower.slice(0, -1) : singular(lower)
  return lower === 'centuries' ? DURATIONS['century'] : Object.hasOwn(DURATIONS, key) ? DURATIONS[key] : undefined
}

/** `$`, `US$`, `USD`, `dollars` -> USD. */
export const currencyOf = (word: string): string | undefined => {
  if (Object.hasOwn(SYMBOLS, word)) return SYMBOLS[word]
  const key = singular(word.toLowerCase())
  return Object.hasOwn(CURRENCIES, key) ? CURRENCIES[key] : undefined
}
