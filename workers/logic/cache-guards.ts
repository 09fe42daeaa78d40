import { factsIn } from '#shared/text/facts-in-text.ts'
import { stem } from '#shared/text/stem.ts'
import { isStopWord } from '#shared/text/stop-words.ts'
import { isIdentifier } from '#shared/text/tokenize.ts'
import { assessSeverity } from './assess-severity.ts'
import { longestCommon } from './cache-features.ts'
import { type CacheReading, MAX_COMPARED_CHARACTERS, readForCache, wordsOf } from './cache-reading.ts'

/** A question with everything in it that another question must have, too, to be given the same answer. */
export type GuardedReading = CacheReading & {
  /** What must be equal, by name of the guard. */
  readonly marks: Readonly<Record<GuardName, string>>
  /** Names of things; one that the other question does not hold in any case of letters is a difference. */
  readonly entities: readonly string[]
  /** Stems that a negation turns round. */
  readonly negated: readonly string[]
  readonly tooLong: boolean
}
type GuardName = 'numbers' | 'identifiers' | 'placeholders' | 'negations' | 'kind of question' | 'time' | 'urgency'

const words = (list: string): ReadonlySet<string> => new Set(list.split(/\s+/))
/** English first, then German, French, Spanish, Portuguese and Italian: a negation lost is a wrong answer in any of them. */
const NEGATIONS = words(`no not never none nor neither nothing nobody nowhere unable nicht kein keine keinen keinem keiner nie
  niemals nichts ne pas jamais rien aucun aucune nunca nada ningún ninguna ni não nao nem nenhum nenhuma non mai niente nessun nessuna`)
const TIMES =
  words(`today tomorrow yesterday tonight week weekend month year daily weekly monthly yearly annual annually heute morgen
  gestern demain hier hoy mañana ayer hoje amanhã ontem`)
const SPECIFIC = words('when who whom whose why wann wer warum quand qui pourquoi cuándo quién porqué quando quem')
const MEASURES = words('much many long often far old big large fast soon late viel viele lange oft')
const PLACEHOLDER = /\[[A-Z][A-Z_]{0,30}_\d{1,6}\]/g
/** A digit with what is joined to it: `-5`, `v2.1`, `10²`, `5%`. */
const DIGITS = /[+\-−]?[\p{L}\p{N}\p{Sc}]{0,60}\p{N}[\p{L}\p{N}]*(?:[.,:/_-][\p{L}\p{N}]+)*[%°\p{Sc}]?/gu
const TOKEN = /[\p{L}\p{N}][\p{L}\p{N}._+-]*/gu
const NAME = /^\p{Lu}/u

export function readGuarded(text: string): GuardedReading {
  const reading = readForCache(text)
  const { severity, legalThreat, wantsPerson } = assessSeverity(text.slice(0, 4 * MAX_COMPARED_CHARACTERS))
  const facts = factsIn(text).filter(({ kind }) => kind !== 'quote')
  const digits = text.toLowerCase().match(DIGITS) ?? []
  return {
    ...reading,
    marks: {
      numbers: bag([...digits, ...facts.map(({ kind, value }) => `${kind}=${value}`)]),
      identifiers: bag(
        (text.toLowerCase().match(TOKEN) ?? []).map((token) => token.replace(/[._+-]{1,8}$/, '')).filter(isIdentifier),
      ),
      placeholders: bag(text.match(PLACEHOLDER) ?? []),
      negations: String(reading.words.filter((word) => NEGATIONS.has(word)).length),
      'kind of question': bag(questionKinds(reading.words)),
      time: bag(reading.words.filter((word) => TIMES.has(word))),
      urgency: [severity, legalThreat, wantsPerson].join(),
    },
    entities: namesIn(text),
    negated: negatedWords(reading.words),
    tooLong: text.length > MAX_COMPARED_CHARACTERS,
  }
}

const bag = (items: readonly string[]) => [...items].sort().join('\n')

function negatedWords(all: readonly string[]): string[] {
  return all.flatMap((word, at) => {
    if (!NEGATIONS.has(word)) return []
    const next = all.slice(at + 1).find((other) => !isStopWord(other))
    return next === undefined ? [] : [stem(next)]
  })
}

/** What, how and whether ask for the same things in many ways; when, where, who, why and how much do not. */
function questionKinds(all: readonly string[]): string[] {
  const kinds = new Set(all.filter((word, at) => SPECIFIC.has(word) && (at === 0 || word === 'why')))
  all.forEach((word, at) => {
    if ((word === 'how' || word === 'wie') && MEASURES.has(all[at + 1] ?? '')) kinds.add(`how ${all[at + 1]}`)
  })
  return [...kinds]
}

/** Words with a capital that do not begin a sentence. Where most words have one (a headline) a capital names nothing. */
function namesIn(text: string): string[] {
  const tokens = [...text.slice(0, 4 * MAX_COMPARED_CHARACTERS).matchAll(TOKEN)]
  const capital = tokens.filter(([token]) => NAME.test(token) && token !== 'I')
  if (tokens.length > 3 && capital.length > 0.6 * tokens.length) return []
  const inside = capital.filter(
    ({ 0: token, index }) =>
      /\p{Lu}.*\p{Lu}/u.test(token) || !/(?:^|[.!?:\n]\s{0,4})$/.test(text.slice(Math.max(0, index - 6), index)),
  )
  return [...new Set(inside.flatMap(([token]) => wordsOf(token)))].filter((word) => !isStopWord(word) && word !== 'i')
}

const OPPOSITES =
  `with without|mit ohne|avec sans|con sin|com sem|con senza|on off|in out|up down|before after|include exclude|enable disable|allow forbid|allow block|allow deny|increase decrease
raise lower|open close|start stop|begin end|add remove|add delete|import export|upload download|upgrade downgrade|send receive|buy sell
login logout|lock unlock|pair unpair|mute unmute|hide show|delete restore|delete recover|delete keep|delete create|create remove|create cancel
accept reject|accept decline|connect disconnect|install uninstall|first last|left right|free paid|more less|most least|over under|above below
always sometimes|all some|all none|minimum maximum|max min|old new|oldest newest|cheap expensive|personal business|public private|man woman|boy girl
credit debit|deposit withdraw|cancel renew|cancel keep|cancel book|renew expire|push pull|black white|warm cold|hot cold|fast slow|day night
gain lose|win lose|early late|short long|big small|inside outside|pause resume|play pause|follow unfollow|friend unfriend|merge split|archive delete
android ios|iphone android|windows mac|mac linux|windows linux|chrome firefox|red blue|red green|blue green|amber red|amber green|orange red
front back|top bottom|north south|east west|summer winter|morning evening|weekday weekend|parent child|husband wife|father mother|brother sister`
    .split(/[|\n]/)
    .map((pair) => pair.trim().split(' ').map(stem) as [string, string])
/** What one does to a thing; words of one group do the same. */
const ACTIONS = new Map(
  `delete remove erase|download|upload|replace swap exchange|export|import|rename|print|restore recover retrieve undelete|refund|return|cancel
  reset|pay|move transfer migrate|copy duplicate|merge|split|disable deactivate|enable activate|install|uninstall|mark|share|update upgrade`
    .split(/[|\n]/)
    .flatMap((group) =>
      group
        .trim()
        .split(' ')
        .map((word, _at, all) => [stem(word), all[0]!] as const),
    ),
)
const OPPOSITE_PREFIX = /^(?:un|in|im|non|dis|de|ir|re|mis)(?=[a-z]{3})/

/** @returns what differs between two questions that may otherwise be alike; undefined when nothing does that we know of */
export function differsIn(a: GuardedReading, b: GuardedReading): string | undefined {
  if (a.tooLong || b.tooLong) return 'length'
  if (a.terms.length === 0 || b.terms.length === 0) return 'no words to compare'
  for (const name of Object.keys(a.marks) as GuardName[]) if (a.marks[name] !== b.marks[name]) return name
  if (otherNames(a, b)) return 'names'
  const [stemsA, stemsB] = [stemsOf(a), stemsOf(b)]
  if (turnedRound(stemsA, stemsB)) return 'opposites'
  if (otherAction(stemsA, stemsB)) return 'actions'
  if (negatedElsewhere(a, b, stemsB) || negatedElsewhere(b, a, stemsA)) return 'negations'
  return reordered(a, b) ? 'order' : undefined
}

const stemsOf = ({ words: all }: CacheReading): ReadonlySet<string> => new Set(all.map(stem))

/** A name in place of another. One that only the more detailed question has is left to the similarity. */
const otherNames = (a: GuardedReading, b: GuardedReading) => missing(a.entities, b) && missing(b.entities, a)
const missing = (names: readonly string[], { words: all }: CacheReading) => {
  const known = new Set(all.flatMap((word) => [word, stem(word)]))
  return names.some((name) => !known.has(name) && !known.has(stem(name)))
}

/** An action in place of another: to replace a video is not to download it. */
function otherAction(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const [doneA, doneB] = [actionsIn(a), actionsIn(b)]
  return doneA.difference(doneB).size > 0 && doneB.difference(doneA).size > 0
}
const actionsIn = (stems: ReadonlySet<string>): Set<string> =>
  new Set([...stems].flatMap((word) => (ACTIONS.has(word) ? [ACTIONS.get(word)!] : [])))

/** "Pay, not cancel" is not "cancel, not pay". */
const negatedElsewhere = (a: GuardedReading, b: GuardedReading, stemsB: ReadonlySet<string>) =>
  a.negated.some((word) => stemsB.has(word) && !b.negated.includes(word))

function turnedRound(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const only = (x: ReadonlySet<string>, y: ReadonlySet<string>, word: string) => x.has(word) && !y.has(word)
  if (OPPOSITES.some(([one, other]) => (only(a, b, one) && only(b, a, other)) || (only(a, b, other) && only(b, a, one))))
    return true
  const prefixed = (x: ReadonlySet<string>, y: ReadonlySet<string>) =>
    [...x].some((word) => !y.has(word) && OPPOSITE_PREFIX.test(word) && only(y, x, word.replace(OPPOSITE_PREFIX, '')))
  return prefixed(a, b) || prefixed(b, a)
}

/** "From A to B" the other way round, or the same words with the parts exchanged ("does the hub control the plug"). */
function reordered(a: CacheReading, b: CacheReading): boolean {
  if (['from', 'to', 'into', 'than'].some((word) => crossed(a, b, word))) return true
  if (bag(a.terms) !== bag(b.terms) || a.terms.join(' ') === b.terms.join(' ')) return false
  return 2 * longestCommon(a.terms, b.terms) <= a.terms.length
}

/** Whether what follows `word` in one stands before it in the other. */
function crossed(a: CacheReading, b: CacheReading, word: string): boolean {
  const [afterA, beforeA] = around(a, word)
  const [afterB, beforeB] = around(b, word)
  return afterA !== '' && afterB !== '' && afterA !== afterB && beforeB.has(afterA) && beforeA.has(afterB)
}
function around({ words: all }: CacheReading, word: string): [string, ReadonlySet<string>] {
  const at = all.lastIndexOf(word)
  if (at < 0) return ['', new Set()]
  return [stem(all.slice(at + 1).find((other) => !isStopWord(other)) ?? ''), new Set(all.slice(0, at).map(stem))]
}
