import { type Fact, factsIn } from '#shared/text/facts-in-text.ts'
import { splitSentences } from '#shared/text/sentences.ts'
import { isStopWord } from '#shared/text/stop-words.ts'
import { contentOf, tokenize } from '#shared/text/tokenize.ts'
import { rarityOf } from '#shared/text/word-rarity.ts'
import { findContradiction } from './find-contradiction.ts'
import { holdsFact, standsAmong } from './match-facts.ts'
import { weighed } from './read-evidence.ts'
import { bestUnits, coverTerms } from './support-cover.ts'
import { negationsIn, type Positions, type SupportIndex, termsFrom, termsOf } from './support-index.ts'
import { termWeight } from './term-weight.ts'

const UNITS = 3
/** From this credit on a term is held, in full or by a word of its family. */
const HELD = 0.7
const STRANGE_BELOW = 0.5
/** Bounds of what is uncovered, so that its logarithm parts nothing from a little, and much from more no longer. */
const LEAST_LACK = 0.2
const MOST_LACK = 6
/** Letters and digits, joined by single marks: each character is looked at once. */
const WORD = /[\p{L}\p{N}]+(?:['’.-][\p{L}\p{N}]+)*/gu
const TIME = new Set(
  'before after until since during while later earlier currently now soon again once finally eventually initially originally previously recently still already yet'.split(
    ' ',
  ),
)
const EXTENT = new Set(
  'all every each most many several few both only main first last largest biggest highest best oldest youngest largely mainly primarily mostly sole majority over under more less least nearly almost approximately about'.split(
    ' ',
  ),
)

/** Of one sentence. What is covered is low when bad, all else is high when bad. */
const COVERED = ['bestTwo', 'bestThree', 'pairs', 'whole'] as const
const LACKING = [
  'uncovered',
  'rarest',
  'names',
  'verbs',
  'qualities',
  'others',
  'time',
  'extent',
  'facts',
  'negation',
  'contradiction',
  'length',
] as const
type Signs = Readonly<Record<(typeof COVERED)[number] | (typeof LACKING)[number], number>>

/** What the weights are for, in order. */
export const SUPPORT_FEATURES: readonly string[] = [
  ...[...COVERED, ...LACKING].flatMap((name) => [`${name} on average`, `${name} at worst`]),
  'sentences',
]

/** The features of a claim or a whole answer: each sign on average over its sentences and at its worst. */
export function supportFeatures(text: string, index: SupportIndex): number[] {
  const said = splitSentences(text)
    .map((sentence) => read(sentence.text))
    .filter(({ content }) => content.length >= 2)
  const signs = (said.length === 0 ? [read(text)] : said).map((sentence) => signsOf(sentence, index))
  const both = (name: keyof Signs, worst: (...values: number[]) => number) => {
    const values = signs.map((one) => one[name])
    return [values.reduce((sum, value) => sum + value, 0) / values.length, worst(...values)]
  }
  return [
    ...COVERED.flatMap((name) => both(name, Math.min)),
    ...LACKING.flatMap((name) => both(name, Math.max)),
    Math.log(1 + signs.length),
  ]
}

type Sentence = { readonly text: string; readonly tokens: readonly string[]; readonly content: readonly string[] }
function read(text: string): Sentence {
  const tokens = tokenize(text)
  return { text, tokens, content: contentOf(tokens) }
}

function signsOf({ text: sentence, tokens, content }: Sentence, index: SupportIndex): Signs {
  const terms = [...new Set(termsFrom(content))]
  const covered = coverTerms(terms, index, termWeight)
  const of = new Map(terms.map((term, at) => [term, covered[at]!]))
  const lack = covered.reduce((sum, { weight, credit }) => sum + weight * (1 - credit), 0)
  const [, bestTwo, bestThree] = bestUnits(covered, UNITS)
  return {
    bestTwo: bestTwo!,
    bestThree: bestThree!,
    pairs: shareOfPairs(tokens, (a, b) => index.parts.some((part) => areNeighbours(a, b, part.tokens))),
    whole: Number(covered.every(({ credit }) => credit >= HELD)),
    uncovered: Math.log(LEAST_LACK + Math.min(MOST_LACK, lack)),
    rarest: Math.max(0, ...terms.filter((_, at) => covered[at]!.credit < HELD).map(rarityOf)),
    ...strangeWords(sentence, index, (term) => of.get(term)?.credit),
    ...particles(tokens, index),
    facts: Number(factsIn(sentence).some((fact) => !isGiven(fact, index))),
    negation: Number(negationsIn(sentence).some((word) => !index.parts.some(({ negations }) => negations.has(word)))),
    contradiction: Number(findContradiction(sentence, weighed(content), index.evidence) !== undefined),
    length: Math.log(1 + terms.length),
  }
}

const isSaid = (token: string, parts: SupportIndex['parts']): boolean => parts.some(({ tokens }) => tokens.at.has(token))

const isGiven = (fact: Fact, { asked, evidence }: SupportIndex): boolean =>
  standsAmong(fact, asked) || evidence.some((one) => holdsFact(fact, one))

/** Words that the evidence does not hold, by what they seem to be: a name that nobody gave weighs more than another verb. */
function strangeWords(sentence: string, { parts }: SupportIndex, creditOf: (term: string) => number | undefined) {
  const counts = { names: 0, verbs: 0, qualities: 0, others: 0 }
  for (const [at, [bare]] of [...sentence.matchAll(WORD)].entries()) {
    const lower = bare.toLowerCase()
    if (isStopWord(lower) || /\d/.test(bare)) continue
    const isName = at > 0 && /^\p{Lu}./u.test(bare)
    // Michael is no Mike: names count to the letter.
    if (isName && tokenize(bare).some((token) => !isSaid(token, parts))) counts.names++
    const credit = creditOf(termsOf(bare)[0] ?? '') ?? 1
    if (isName || credit >= STRANGE_BELOW) continue
    if (/(?:ed|ing)$/.test(lower)) counts.verbs += 1 - credit
    else if (/(?:al|ive|ous|ic|ful|able|less|est)$/.test(lower)) counts.qualities += 1 - credit
    else if (!/(?:tion|ment|ness|ity|ship|ance|ence|er|or|ist)s?$/.test(lower)) counts.others += 1 - credit
  }
  const { names, verbs, qualities, others } = counts
  return { names: Math.min(3, names), verbs: Math.min(4, verbs), qualities: Math.min(4, qualities), others: Math.min(4, others) }
}

function particles(tokens: readonly string[], { parts }: SupportIndex): { time: number; extent: number } {
  const strange = tokens.filter((token) => !isSaid(token, parts))
  return {
    time: Math.min(2, strange.filter((word) => TIME.has(word)).length),
    extent: Math.min(2, strange.filter((word) => EXTENT.has(word)).length),
  }
}

function shareOfPairs(list: readonly string[], isHeld: (a: string, b: string) => boolean): number {
  let held = 0
  for (let at = 1; at < list.length; at++) if (isHeld(list[at - 1]!, list[at]!)) held++
  return list.length < 2 ? 1 : held / (list.length - 1)
}

const areNeighbours = (a: string, b: string, { list, at }: Positions): boolean =>
  at.get(a)?.some((position) => list[position + 1] === b) ?? false
