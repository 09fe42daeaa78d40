import { readFileSync } from 'node:fs'

/**
 * What single words are known for: `country`, `month`, `given` name … for the tagger. Names of countries, languages, months, days and cities come
 * from the Unicode data that Node carries (CLDR), in several languages; the short lists are written for this project.
 */
export type WordClass =
  | 'month'
  | 'weekday'
  | 'title'
  | 'given'
  | 'country'
  | 'city'
  | 'nation'
  | 'company'
  | 'street'
  | 'unit'
  | 'state'
  | 'age'
  | 'time'
  | 'job'
  | 'kin'
  | 'common'

const LISTS: readonly (readonly [WordClass, string])[] = [
  [
    'title',
    'mr mrs ms miss mx dr prof professor sir madam mister herr frau fräulein monsieur madame mme mlle señor señora sr sra srta senhor senhora signor signora dott dhr mevr sir lord lady rev hon capt sgt lt',
  ],
  [
    'company',
    'inc ltd llc llp plc gmbh ag kg corp corporation company co group holding holdings bank insurance industries partners associates technologies technology systems solutions labs foundation institute university college hospital school church museum agency ministry airlines airways motors media press records studios ventures capital sa sas sarl srl spa bv nv ab oy as aps kft zrt sons brothers',
  ],
  [
    'street',
    'street st road rd avenue ave lane ln drive dr boulevard blvd court ct place pl square sq terrace way highway hwy close crescent row parkway pkwy trail circle walk gardens grove hill mews straße strasse weg allee platz gasse ring rue chemin impasse quai cours allée via viale piazza corso vicolo calle avenida plaza paseo carrera camino rua travessa praça estrada straat laan plein gracht kade vej gade gata gatan väg vägen gate veien katu tie utca út tér ulica ul aleja náměstí ulice trg cesta sokak cadde caddesi',
  ],
  [
    'unit',
    'apt apartment suite ste unit flat floor fl room rm building bldg block box po psc apo fpo dpo stock etage piso étage bus cap zip postcode postal plz psč',
  ],
  [
    'state',
    'al ak az ar ca co ct de fl ga hi id il ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa ri sc sd tn tx ut vt va wa wv wi wy dc ab bc mb nb nl ns nt nu on pe qc sk yt nsw vic qld tas',
  ],
  ['age', 'old aged age turned turning turns yo jährig jahre ans años anos anni jaar birthday'],
  [
    'time',
    'second seconds minute minutes hour hours day days week weeks month months year years decade century am pm noon midnight morning evening night afternoon today yesterday tomorrow tonight weekend quarter ago uhr heute gestern morgen hier demain aujourd ayer mañana hoy ontem hoje ieri oggi domani gisteren vandaag spring summer autumn winter christmas easter',
  ],
  [
    'job',
    'manager engineer officer director teacher nurse doctor lawyer attorney accountant assistant analyst administrator operator technician specialist consultant developer designer driver worker clerk secretary supervisor inspector editor writer author president ceo cto cfo chairman chairwoman minister senator governor mayor chef cook waiter mechanic electrician plumber carpenter painter architect scientist researcher professor surgeon dentist pharmacist therapist counselor advisor agent broker salesperson cashier packager machinist welder pilot captain coach trainer musician singer actor actress dancer photographer journalist reporter translator librarian firefighter policeman guard',
  ],
  [
    'kin',
    'wife husband son daughter mother father mom mum dad brother sister friend colleague boss neighbour neighbor partner girlfriend boyfriend aunt uncle cousin grandmother grandfather niece nephew dear hi hello hey hallo bonjour hola olá ciao regards cheers sincerely greetings name called named',
  ],
  [
    'nation',
    'american british canadian australian mexican brazilian argentinian argentine chilean colombian peruvian cuban venezuelan jamaican haitian african asian european latino hispanic arab arabic jewish muslim christian hindu buddhist catholic protestant sikh austrian swiss belgian scottish welsh egyptian moroccan tunisian algerian nigerian kenyan ghanaian ethiopian south-african israeli palestinian lebanese syrian iraqi iranian saudi kuwaiti emirati qatari yemeni jordanian pakistani indian bangladeshi afghan sri-lankan filipino indonesian malaysian singaporean taiwanese northern republican democrat greenlander new-zealander brit briton spaniard pole dane swede finn turk scot englishman frenchman dutchman irishman sunni shia latina chicano kurdish maltese cypriot monegasque andorran kosovar montenegrin bosnian moldovan romani sami',
  ],
  [
    'given',
    'james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark donald steven paul andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott brandon benjamin samuel gregory alexander frank patrick raymond jack dennis jerry tyler aaron jose adam nathan henry douglas zachary peter kyle noah ethan walter keith christian roger terry austin sean gerald carl harold dylan arthur lawrence jordan jesse bryan billy bruce gabriel joe logan alan juan albert willie elijah wayne randy vincent mason roy ralph bobby russell bradley philip eugene mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra margaret ashley kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca laura sharon cynthia dorothy amy kathleen angela shirley emma brenda pamela nicole anna samantha katherine christine helen debra rachel carolyn janet maria catherine heather diane olivia julie joyce victoria ruth virginia lauren kelly christina joan evelyn judith andrea hannah megan cheryl jacqueline martha madison teresa gloria sara janice ann kathryn abigail sophia frances jean alice judy isabella julia grace denise amber doris marilyn danielle beverly charlotte natalie theresa diana brittany kayla alexis lori hans klaus jürgen jörg uwe wolfgang dieter stefan andreas matthias sebastian florian lukas felix jonas leon maximilian heinz helga ursula ingrid petra sabine monika renate katrin anke silke heike birgit lena leonie mia pierre jacques michel philippe alain bernard nicolas julien antoine luc mathieu camille léa chloé manon élodie aurélie céline sylvie françoise isabelle nathalie carlos luis miguel pedro javier fernando alejandro diego sergio pablo rafael antonio francisco carmen pilar dolores lucía sofía elena marta paula raquel beatriz joão paulo rui tiago bruno andré ana inês catarina margarida giulia giuseppe marco luca matteo francesca chiara alessandro giovanni paolo anneke jan pieter willem maarten sanne femke lars erik nils sven anders björn olof mikael astrid freja ingrid liv mette søren jens niels mads kirsten matti jukka mika pekka anni aino piotr paweł tomasz krzysztof andrzej agnieszka katarzyna małgorzata jiří petr tomáš jana lucie ivan dmitri sergei alexei vladimir olga natasha tatiana svetlana irina yulia mehmet mustafa ahmed mohamed mohammed muhammad ali omar hassan hussein fatima aisha leila zahra yusuf ibrahim khalid raj priya anil sunil ravi amit deepak sanjay anjali neha pooja arjun vikram rahul wei li ming jing xin hiroshi kenji yuki takashi akira naomi haruka sakura minh linh nguyen kim park lee chen wang zhang',
  ],
]
const LOCALES = ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl', 'sv', 'pl', 'cs', 'tr']
/** Words that stand in the name of some country or language but say nothing by themselves. */
const HOLLOW =
  /^(?:the|and|und|of|de|la|el|di|da|do|south|north|new|islands?|island|saint|republic|united|states|inseln?|den|les?|îles?|islas?|ilhas?|isole|upper|lower|old|simple|pseudo|traditional|simplified|standard|central|modern|western|eastern|southern|northern|ancient|middle|church|sign|language|world|china|turkey|jordan|chad|man|outlying|ocean|territories|territory)$/

const words = (text: string) => text.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? []

function build(): ReadonlyMap<string, WordClass> {
  const classes = new Map<string, WordClass>()
  const add = (word: string, kind: WordClass) => {
    if (!classes.has(word)) classes.set(word, kind)
  }
  for (const [kind, list] of LISTS) for (const word of list.split(' ')) add(word, kind)
  const named = (names: Intl.DisplayNames, code: string) =>
    words(names.of(code) ?? '').filter((word) => word.length > 2 && !HOLLOW.test(word))
  for (const locale of LOCALES) {
    const format = (at: Date, options: Intl.DateTimeFormatOptions) =>
      words(at.toLocaleDateString(locale, { ...options, timeZone: 'UTC' }))[0] ?? ''
    for (let n = 0; n < 12; n++)
      for (const month of ['long', 'short'] as const) add(format(new Date(Date.UTC(2024, n, 1)), { month }), 'month')
    for (let n = 1; n < 8; n++)
      for (const weekday of ['long', 'short'] as const) add(format(new Date(Date.UTC(2024, 0, n)), { weekday }), 'weekday')
    const [regions, languages] = (['region', 'language'] as const).map(
      (type) => new Intl.DisplayNames([locale], { type, fallback: 'none' }),
    ) as [Intl.DisplayNames, Intl.DisplayNames]
    for (const code of codes(2)) {
      for (const word of locale === 'en' ? named(languages, code.toLowerCase()) : []) add(word, 'nation')
      for (const word of named(regions, code)) add(word, 'country')
    }
  }
  for (const zone of Intl.supportedValuesOf('timeZone'))
    if (zone.includes('/'))
      for (const word of words(zone.split('/').at(-1)!.replaceAll('_', ' ')))
        if (word.length > 3 && !HOLLOW.test(word)) add(word, 'city')
  for (const word of everydayWords()) add(word, 'common')
  return classes
}

function codes(length: number): string[] {
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
  return length === 1 ? letters : codes(length - 1).flatMap((start) => letters.map((letter) => start + letter))
}

let built: ReadonlyMap<string, WordClass> | undefined
/** @param word in lower case */
export function classOf(word: string): WordClass | '' {
  built ??= build()
  return built.get(word) ?? ''
}

/** Bits of `namesOf`. */
const LISTED = { given: 1, family: 2, city: 4 }
let names: ReadonlyMap<string, number> | undefined

/** Which of the public lists of names hold the word, as bits: given names 1, family names 2, words of cities 4, everyday words 8. */
export function namesOf(word: string): number {
  names ??= readNames()
  return (names.get(word) ?? 0) | (classOf(word) === 'common' ? 8 : 0)
}

function readNames(): ReadonlyMap<string, number> {
  const read = new Map<string, number>()
  for (const line of readFileSync(new URL('./pii-names.txt', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')) {
    const [list, ...words] = line.split(' ')
    for (const word of words) read.set(word, (read.get(word) ?? 0) | LISTED[list as keyof typeof LISTED])
  }
  return read
}

let everyday: ReadonlySet<string> | undefined
const everydayWords = (): ReadonlySet<string> => {
  everyday ??= new Set(readFileSync(new URL('./pii-common-words.txt', import.meta.url), 'utf8').split('\n'))
  return everyday
}

/** Whether the word is written small in ordinary texts, whatever else it is: "amber" is a name, too. */
export const isEveryday = (word: string): boolean => everydayWords().has(word)
