import { pick } from './ledger-swaps.ts'

/** Says the same in other words; undefined where it does not apply. */
export type Rewrite = (text: string, random: () => number) => string | undefined

const NUMBERS = 'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen'.split(' ')
const MONTHS = 'January February March April May June July August September October November December'.split(' ')

/** The first of these substitutions, from a random one on, that changes something. */
const oneOf =
  (pairs: readonly (readonly [RegExp, string | ((...groups: string[]) => string)])[]): Rewrite =>
  (text, random) => {
    const from = Math.floor(random() * pairs.length)
    for (let k = 0; k < pairs.length; k++) {
      const [pattern, to] = pairs[(from + k) % pairs.length]!
      const changed = text.replace(pattern, to as string)
      if (changed !== text) return changed
    }
    return undefined
  }

const numberFormat = oneOf([
  [/(?<![\d,])(\d{1,3}),(\d{3})(?![\d,.])/, '$1$2'],
  [/(?<![\d.,-])([1-9])000(?![\d.,])(?= [a-z])/, '$1,000'],
  [/(?<![\d.,-])([1-9]),?000(?![\d.,])(?= [a-z])/, (_, digit) => `${NUMBERS[Number(digit)]} thousand`],
  [
    /(?<=\s)(\d|1[0-6])(?= (?:seconds|minutes|hours|days|weeks|months|years|devices|people|times)\b)/,
    (_, n) => NUMBERS[Number(n)]!,
  ],
])

const MONTH = `(${MONTHS.join('|')})`
const twoDigits = (n: number | string) => String(n).padStart(2, '0')
const dateFormat = oneOf([
  [
    new RegExp(`\\b(\\d{1,2}) ${MONTH} (\\d{4})\\b`),
    (_, d, m, y) => `${y}-${twoDigits(MONTHS.indexOf(m!) + 1)}-${twoDigits(d!)}`,
  ],
  [new RegExp(`\\b(\\d{1,2}) ${MONTH} (\\d{4})\\b`), '$2 $1, $3'],
  [new RegExp(`\\b(\\d{1,2}) ${MONTH} (\\d{4})\\b`), (_, d, m, y) => `${d} ${m!.slice(0, 3)} ${y}`],
  [new RegExp(`\\b${MONTH} (\\d{1,2}), (\\d{4})\\b`), '$2 $1 $3'],
  [new RegExp(`\\b(\\d{1,2}) ${MONTH}\\b(?! \\d)`), '$2 $1'],
])

const unitFormat = oneOf([
  [/\b(\d+) GB\b/, '$1 gigabytes'],
  [/\b(\d+) MB\b/, '$1 megabytes'],
  [/\b14 days\b/, 'two weeks'],
  [/\b7 days\b/, 'one week'],
  [/\b24 hours\b/, 'one day'],
  [/\b60 minutes\b/, 'one hour'],
  [/\b(\d+) minutes\b/, '$1 min'],
  [/\b(\d+) hours\b/, '$1 h'],
  [/\$(\d+(?:\.\d+)?)(?![\d,.k]| ?(?:million|billion))/i, '$1 dollars'],
  [/€(\d+(?:\.\d+)?)(?![\d,.k]| ?(?:million|billion))/i, '$1 euros'],
  [/\b(\d+) ?%/, '$1 percent'],
  [/\b(\d+) kW\b/, '$1 kilowatts'],
])

const synonyms = oneOf([
  [/\bmust\b(?! not)/, 'has to'],
  [/\bcosts\b/, 'is priced at'],
  [/\bpress\b/i, 'push'],
  [/\babout (?=\d)/, 'approximately '],
  [/\bcannot\b/, "can't"],
  [/\bdoes not\b/, "doesn't"],
  [/\bis not\b/, "isn't"],
  [/\bdo not\b/i, "don't"],
  [/\bcustomers\b/i, 'clients'],
  [/\bbuy\b/, 'purchase'],
  [/\bremove\b/, 'delete'],
  [/\bshows\b/, 'displays'],
  [/\bneeds\b/, 'requires'],
  [/\bbecause\b/, 'since'],
  [/\balso\b/, 'as well'],
  [/\bgets\b/, 'receives'],
  [/\bsmall\b/, 'little'],
  [/\bhowever\b/i, 'but'],
  [/\blarge\b/, 'big'],
  [/\bprovides\b/, 'offers'],
  [/\bwhole\b/, 'entire'],
])

const lower = (text: string) => (/^(?:\p{Lu}{2}|I\b)/u.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1))
const upper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

const reordered = oneOf([
  [
    /^(If|When|After|Before|While|Once) ([^,;:.]{8,120}), ([^;:]{8,160})\.$/,
    (_, link, a, b) => `${upper(b!)} ${link!.toLowerCase()} ${a}.`,
  ],
  [/^To ([^,;:.]{8,100}), ([^;:]{8,160})\.$/, (_, aim, act) => `${upper(act!)} to ${aim}.`],
  [/^([^;:.]{12,160}) if ([^,;:.]{8,120})\.$/, (_, b, a) => `If ${a}, ${lower(b!)}.`],
  [/^([^;.]{12,200}); ([^;.]{12,200})\.$/, (_, a, b) => `${upper(b!)}; ${lower(a!)}.`],
  [
    /^(In|On|At|From|For|During) ([^,;:.]{3,60}), ([^;:]{8,160})\.$/,
    (_, link, place, rest) => `${upper(rest!)} ${link!.toLowerCase()} ${place}.`,
  ],
])

const PARTICIPLES: Readonly<Record<string, string>> = {
  change: 'changed',
  return: 'returned',
  open: 'opened',
  cancel: 'cancelled',
  remove: 'removed',
  add: 'added',
  restore: 'restored',
  find: 'found',
  move: 'moved',
  connect: 'connected',
  reset: 'reset',
  use: 'used',
  choose: 'chosen',
  set: 'set',
  see: 'seen',
  export: 'exported',
  delete: 'deleted',
  request: 'requested',
  download: 'downloaded',
  share: 'shared',
  invite: 'invited',
}
const VERBS = Object.keys(PARTICIPLES).join('|')
const IMPERATIVES: Readonly<Record<string, string>> = {
  remove: 'removed',
  open: 'opened',
  press: 'pressed',
  hold: 'held',
  choose: 'chosen',
  connect: 'connected',
  restart: 'restarted',
  update: 'updated',
  check: 'checked',
  put: 'put',
  use: 'used',
  send: 'sent',
  add: 'added',
  move: 'moved',
  report: 'reported',
  tap: 'tapped',
}
const voice = oneOf([
  [
    new RegExp(
      `^(${Object.keys(IMPERATIVES).join('|')}) ((?:the|a|an|your|both|all) [A-Za-z0-9 -]{3,60}?)((?: (?:in|on|at|within|for|with|by|from|after|to|of|and|until) [^;:]*|))\\.$`,
      'i',
    ),
    (_, verb, thing, rest) => `${upper(thing!)} should be ${IMPERATIVES[verb!.toLowerCase()]}${rest}.`,
  ],
  [
    new RegExp(
      `^You can (${VERBS}) ((?:the|a|an|your|up to|both|all)? ?[A-Za-z0-9 -]{3,60}?)( (?:in|on|at|within|for|with|by|from|after|to) .*|)\\.$`,
    ),
    (_, verb, thing, rest) => `${upper(thing!)} can be ${PARTICIPLES[verb!]}${rest}.`,
  ],
  [
    /^(The [a-z0-9 ]{3,40}) (?:is|are) (sent|shown|paid|stored|measured|used|made|charged) by ([^,;:.]{3,60})\.$/,
    '$3 is where $1 comes $2 from.',
  ],
  [
    /^We (deduct|store|charge|delete|keep|send|process|ship) ([^,;:.]{3,60}?)( (?:from|in|on|for|within|after|to) [^;:]*)\.$/,
    (_, verb, thing, rest) => {
      const participle = {
        deduct: 'deducted',
        store: 'stored',
        charge: 'charged',
        delete: 'deleted',
        keep: 'kept',
        send: 'sent',
        process: 'processed',
        ship: 'shipped',
      }[verb!]
      return `${upper(thing!)} will be ${participle} by us${rest}.`
    },
  ],
  [/\bwas (built|founded|written|designed|created|developed) by ([^,;:.]{3,40})(?=[.,])/, 'is something that $2 has $1'],
])

const abbreviations = oneOf([
  [/\bfor example\b/i, 'e.g.'],
  [/\bUnited Kingdom\b/, 'UK'],
  [/\bUnited States\b/, 'US'],
  [/\bEuropean Union\b/, 'EU'],
  [/\binformation\b/, 'info'],
  [/\bapplication\b/, 'app'],
  [/\bapproximately\b/, 'approx.'],
  [/\be-mail\b/, 'email'],
  [/\bper month\b/, 'a month'],
  [/\ba month\b/, 'per month'],
  [/\bper year\b/, 'a year'],
  [/\btelephone\b/, 'phone'],
  [/\bphoto\b/, 'photograph'],
])

const FRAMES = ['Yes: ', 'According to our help pages, ', 'As far as we can see, ', 'To answer your question: ', 'In short, ']
const framed: Rewrite = (text, random) =>
  `${pick(FRAMES, random)}${/^(?:The|A|An|If|When|You|To|This|It|We|In|On) /.test(text) ? lower(text) : text}`

/** Quotations and addresses are not reworded. */
const NOT_TO_TOUCH = /["“”`«]|https?:|www\.|24 hours a day/

const apart =
  (rewrite: Rewrite): Rewrite =>
  (text, random) =>
    NOT_TO_TOUCH.test(text) ? undefined : rewrite(text, random)

const ALL: Readonly<Record<string, Rewrite>> = {
  'number format': numberFormat,
  'date format': dateFormat,
  'unit format': unitFormat,
  synonym: synonyms,
  order: reordered,
  voice,
  abbreviation: abbreviations,
  frame: framed,
}

export const REWRITES: Readonly<Record<string, Rewrite>> = Object.fromEntries(
  Object.entries(ALL).map(([name, rewrite]) => [name, apart(rewrite)]),
)
