import { stem } from '#shared/text/stem.ts'
import { isStopWord } from '#shared/text/stop-words.ts'
import { keptWith } from './kept-with.ts'
import type { Evidence, Reading, Statement } from './read-evidence.ts'

/** So much of the other words must be the same, seen from either side: only then is a name in a name's place a change. */
const SAME_REST = 0.8
/** A statement with this much of the claim and all of its names says what the claim says. */
const ACQUITS = 0.6
/** Fewer words beside the names are like too many other sentences. */
const MIN_REST = 3
const MAX_WORDS = 200
const WORD = /[\p{L}\p{N}]+(?:['’][\p{L}]+)?/gu

type Word = {
  readonly raw: string
  readonly key: string
  readonly isName: boolean
  readonly isFirst: boolean
  readonly isContent: boolean
}

/** The words of a sentence, and how often each stands there. */
type Read = {
  readonly words: readonly Word[]
  readonly counts: ReadonlyMap<string, number>
  /** Of the words with a meaning, those that are surely no names; how many of them a statement that says the same may lack at most. */
  readonly plain: readonly string[]
  readonly mayLack: number
}

/**
 * A name that stands where a nearly equal sentence of the evidence has another one ("Orders leave Norway" beside "Orders leave
 * Daventry"), as a reason; undefined when there is none, or when some sentence says as much of the claim with all of its names.
 */
export function findOtherName(sentence: string, cited: readonly Evidence[]): string | undefined {
  const claim = readWords(sentence)
  const { words } = claim
  const named = words.filter(({ isName, isFirst }) => isName || isFirst)
  if (named.length === 0) return undefined
  let knownNames: ReadonlySet<string> | undefined
  let found: string | undefined
  for (const evidence of cited) {
    for (const statement of evidence.statements) {
      if (isSurelyFar(claim, statement)) continue
      const other = statementWords(statement)
      if (isFar(claim, other)) continue
      const { added, lost } = difference(claim, other)
      if (acquits(words, added)) return undefined
      if (found !== undefined || !mayBeNamed(added) || !mayBeNamed(lost)) continue
      knownNames ??= new Set(cited.flatMap(({ reading }) => namesOf(reading)))
      found = conflict(words, other.words, added, lost, knownNames, evidence, statement)
    }
  }
  return found
}

function readWords(text: string): Read {
  const words = wordsOf(text)
  const meant = content(words)
  const plain = meant.flatMap(({ key, isName, isFirst }) => (isName || isFirst ? [] : [key]))
  return { words, counts: countOf(words), plain, mayLack: (1 - ACQUITS + 0.01) * meant.length }
}

const statementWords: (statement: Statement) => Read = keptWith(({ text }) => readWords(text))

function wordsOf(text: string): Word[] {
  const words: Word[] = []
  for (const match of text.matchAll(WORD)) {
    if (words.length === MAX_WORDS) break
    const raw = match[0]
    const lower = raw.toLowerCase()
    const isContent = !isStopWord(lower)
    const capital = isContent && raw.length > 1 && /^\p{Lu}/u.test(raw) && !/\d/.test(raw)
    const isFirst = capital && (words.length === 0 || beginsSentence(text, match.index))
    words.push({ raw, key: stem(lower.replace(/['’]s$/, '')), isName: capital && !isFirst, isFirst, isContent })
  }
  return words
}

const beginsSentence = (text: string, at: number): boolean =>
  /[.!?:;•]["')\]*_]{0,3}\s{1,3}["'(*_[]{0,3}$/.test(text.slice(Math.max(0, at - 6), at))

/** Words with a capital letter where none is due, of the whole passage. */
const namesOf: (reading: Reading) => readonly string[] = keptWith(({ statements }) =>
  statements.flatMap((statement) =>
    statementWords(statement)
      .words.filter(({ isName }) => isName)
      .map(({ key }) => key),
  ),
)

const countOf = (words: readonly Word[]) => {
  const counts = new Map<string, number>()
  for (const { key } of words) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/**
 * The same by the terms that the ledger has read of it anyway. They hold the plain words of a statement, but for a few that are written
 * together or are stop words in another form: so many more have to be lacking before it is not looked at closely.
 */
function isSurelyFar({ plain, mayLack }: Read, { terms }: Statement): boolean {
  let lacking = 0
  for (const key of plain) if (!terms.has(key) && PLAIN.test(key) && ++lacking > mayLack + NOT_IN_TERMS) return true
  return false
}
const NOT_IN_TERMS = 2
const PLAIN = /^[a-z]{1,60}$/

/** Lacks so many of the claim's words that it neither acquits nor contradicts: nearly every statement, found out by a few look-ups. */
function isFar({ plain, counts, mayLack }: Read, other: Read): boolean {
  let lacking = 0
  for (const key of plain) if (counts.get(key)! > (other.counts.get(key) ?? 0) && ++lacking > mayLack) return true
  return false
}

/** What of either stands in the other less often. */
function difference({ words: claim, counts: inClaim }: Read, { words: statement, counts: inStatement }: Read) {
  const more = (words: readonly Word[], here: ReadonlyMap<string, number>, there: ReadonlyMap<string, number>) =>
    words.filter(({ key }) => (here.get(key) ?? 0) > (there.get(key) ?? 0))
  const [added, lost] = [more(claim, inClaim, inStatement), more(statement, inStatement, inClaim)]
  const spelt = (word: Word, there: readonly Word[]) => (word.isName || word.isFirst) && sameName(word, there)
  return { added: added.filter((word) => !spelt(word, lost)), lost: lost.filter((word) => !spelt(word, added)) }
}

const content = (words: readonly Word[]) => words.filter(({ isContent }) => isContent)

/** Without a capital letter on either side nobody's name was changed. */
const mayBeNamed = (words: readonly Word[]): boolean => words.some(({ isName, isFirst }) => isName || isFirst)

function acquits(claim: readonly Word[], added: readonly Word[]): boolean {
  if (added.some(({ isName }) => isName)) return false
  const all = content(claim)
  return all.length > 0 && 1 - content(added).length / all.length >= ACQUITS
}

function conflict(
  claim: readonly Word[],
  statement: readonly Word[],
  added: readonly Word[],
  lost: readonly Word[],
  knownNames: ReadonlySet<string>,
  evidence: Evidence,
  { text }: Statement,
): string | undefined {
  const lostNames = lost.filter(({ isName, isFirst, key }) => isName || (isFirst && knownNames.has(key)))
  const startsOtherwise = lostNames.some(({ isFirst }) => isFirst)
  const addedNames = added.filter(({ isName, isFirst, key }) => isName || (isFirst && (knownNames.has(key) || startsOtherwise)))
  if (addedNames.length === 0 || lostNames.length === 0) return undefined
  const rest = share(claim, added, addedNames)
  const back = share(statement, lost, lostNames)
  const aligned = addedNames.find((name) => lostNames.some((other) => inPlaceOf(name, claim, other, statement)))
  if (Math.min(rest, back) < SAME_REST || (aligned === undefined && Math.min(rest, back) < 1)) return undefined
  const name = aligned ?? addedNames[0]!
  if (aligned === undefined && evidence.contextTerms.has(name.key)) return undefined
  return `says "${name.raw}", passage ${evidence.passage.n} says "${lostNames[0]!.raw}": "${text.length > 200 ? `${text.slice(0, 199)}…` : text}"`
}

/** How many of the content words that are no changed names stand in the other sentence, too; with few of them, all words must. */
function share(words: readonly Word[], missing: readonly Word[], names: readonly Word[]): number {
  const total = content(words).length - names.length
  if (total < MIN_REST) return words.length - names.length >= MIN_REST && missing.length === names.length ? 1 : 0
  return 1 - content(missing).filter((word) => !names.includes(word)).length / total
}

/** Between the same neighbours on one side at least, or at the same end. */
function inPlaceOf(name: Word, claim: readonly Word[], other: Word, statement: readonly Word[]): boolean {
  const [at, there] = [claim.indexOf(name), statement.indexOf(other)]
  return claim[at - 1]?.key === statement[there - 1]?.key || claim[at + 1]?.key === statement[there + 1]?.key
}

/** `UK` beside "United Kingdom": the capitals of words that follow one another. */
function initialsIn(words: readonly Word[], short: string): boolean {
  if (!/^\p{Lu}{2,5}s?$/u.test(short)) return false
  const letters = short.replace(/s$/, '').toLowerCase()
  return words.some((_, at) => {
    const some = words.slice(at, at + letters.length)
    return some.length === letters.length && some.every(({ raw }, k) => raw[0]!.toLowerCase() === letters[k])
  })
}

/** Says the same name shorter or longer: its initials, or its beginning (`Intl`, `Sept`). */
const sameName = (one: Word, others: readonly Word[]): boolean =>
  initialsIn(others, one.raw) ||
  others.some(({ raw }) => raw.length >= 3 && one.raw.length >= 3 && (raw.startsWith(one.raw) || one.raw.startsWith(raw)))
