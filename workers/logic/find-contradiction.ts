import { type Fact, factsIn } from '#shared/text/facts-in-text.ts'
import { stem } from '#shared/text/stem.ts'
import { isStopWord } from '#shared/text/stop-words.ts'
import { comparable, standsAmong } from './match-facts.ts'
import { type Evidence, factsOf, type Statement } from './read-evidence.ts'

/** From this share on, a claim says what one sentence says, so that what differs is a change and not another subject. */
const NEAR_COPY = 0.75
/** Sentences this alike in both directions are one sentence with a word or two changed. */
const COPY = 0.9
/** And this much of that sentence must be in the claim, so that a part of a long sentence is not held against it. */
const MIN_BACK = 0.55
/** Shorter claims are like too many sentences. */
const MIN_TERMS = 3
/** Another sentence this close speaks of the same thing: one of them without contradiction is enough. */
const AS_GOOD = 0.1

const NEGATORS = new Set(
  'no not never without cannot cant none neither nor nobody nothing hardly unable unless avoid dont doesnt didnt isnt arent wasnt werent wont wouldnt shouldnt couldnt mustnt havent hasnt hadnt'.split(
    ' ',
  ),
)
const NEGATED_STEMS = 3
const OPPOSITE_PREFIX = /^(?:un|in|im|non|dis|ir)(?=[a-z]{4})/

/** Words that turn a sentence round when one of the left stands where the source has one of the right, or the other way. */
const OPPOSITES = [
  'all, every, each, always, any | none, never, some, few, sometimes',
  'at least, minimum, no less than | at most, up to, maximum, no more than',
  'more than, over, above | less than, under, below, fewer than',
  'before | after',
  'earlier | later',
  'includes, include, included, including | excludes, exclude, excluded, excluding',
  'enable, enabled, enables | disable, disabled, disables',
  'allow, allows, allowed | forbid, forbids, forbidden, prohibits, prohibited',
  'required, must, mandatory | optional, may, need not',
  'increase, increases, increased, higher | decrease, decreases, decreased, lower',
  'on | off',
  'open, opens | close, closes',
  'monthly, a month, per month | yearly, a year, per year',
  'first | last',
  'left | right',
  'free | paid',
  'both | neither',
].map((pair) => pair.split(' | ').map((side) => side.split(', '))) as [string[], string[]][]

/**
 * What speaks against one sentence of a claim in the evidence sentences that it nearly copies: another number in a number's
 * place, a negation added or dropped, a word turned into its opposite. Undefined when nothing does, or when no sentence is
 * close enough to compare with: paraphrases are left to the score.
 */
export function findContradiction(
  sentence: string,
  terms: ReadonlyMap<string, number>,
  cited: readonly Evidence[],
): string | undefined {
  const tooShort = terms.size < MIN_TERMS
  const worded = new Map([...terms].filter(([term]) => !/\d/.test(term)))
  const twins: Twin[] = []
  for (const evidence of cited)
    for (const statement of evidence.statements) {
      if (tooShort && !sameTerms(terms, statement.terms)) continue
      const likeness = likenessOf(worded, statement, evidence)
      if (!tooShort && likeness < NEAR_COPY) continue
      const twin = compare(worded, statement, evidence, likeness)
      if (tooShort || twin.likeness >= NEAR_COPY) twins.push(twin)
    }
  twins.sort((a, b) => b.likeness - a.likeness)
  const facts = factsIn(sentence)
  let first: string | undefined
  for (const twin of twins) {
    if (twin.likeness < twins[0]!.likeness - AS_GOOD || (twins[0]!.copy && !twin.copy)) break
    const conflict = conflictWith(sentence, facts, twin)
    if (conflict === undefined) return undefined
    first ??= conflict
  }
  return first
}

/** Short sentences are like too many others; they are compared with those of the very same words. */
const sameTerms = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean =>
  a.size > 0 && a.size === b.size && [...a.keys()].every((term) => b.has(term))

type Twin = { readonly evidence: Evidence; readonly statement: Statement; readonly likeness: number; readonly copy: boolean }

/** How much of the claim's words, without its numbers, a statement holds. */
function likenessOf(terms: ReadonlyMap<string, number>, statement: Statement, evidence: Evidence): number {
  let total = 0
  let shared = 0
  for (const [term, weight] of terms) {
    total += weight
    shared += weight * (statement.terms.has(term) ? 1 : evidence.contextTerms.has(term) ? 0.5 : 0)
  }
  return total === 0 ? 0 : shared / total
}

/**
 * Share of words in common, in both directions; numbers are left out, for they are what may have been changed.
 * @param terms of the claim, without its numbers
 */
function compare(terms: ReadonlyMap<string, number>, statement: Statement, evidence: Evidence, likeness: number): Twin {
  const back = likeness < NEAR_COPY ? 0 : shareOf(statement.terms, terms)
  return { evidence, statement, likeness: back < MIN_BACK ? 0 : likeness, copy: Math.min(likeness, back) >= COPY }
}

/** How much of the terms, numbers aside, the others hold. */
function shareOf(terms: ReadonlyMap<string, number>, others: ReadonlyMap<string, number>): number {
  let total = 0
  let shared = 0
  for (const [term, weight] of terms) {
    if (/\d/.test(term)) continue
    total += weight
    if (others.has(term)) shared += weight
  }
  return total === 0 ? 0 : shared / total
}

function conflictWith(sentence: string, facts: readonly Fact[], { evidence, statement, copy }: Twin): string | undefined {
  const n = evidence.passage.n
  const given = factsOf(statement)
  const added = facts.filter((fact) => fact.kind !== 'quote' && !standsAmong(fact, given))
  // Of a copy, what stands there once less is lost as well: "LK-201: Error LK-204" has lost one of two LK-201.
  const lost = given.filter(
    (fact) =>
      fact.kind !== 'quote' &&
      (!standsAmong(fact, facts) || (copy && added.length > 0 && timesIn(fact, facts) < timesIn(fact, given))),
  )
  for (const fact of added) {
    const instead = lost.find((other) => comparable(fact, other))
    if (instead !== undefined) return `says "${fact.raw}", passage ${n} says "${instead.raw}": "${clip(statement.text)}"`
  }
  // "WPA3 or WPA3" holds nothing that its source lacks, but one item twice where the source has two.
  const doubled =
    copy && lost.length > 0 ? facts.find((fact) => timesIn(fact, facts) > Math.max(1, timesIn(fact, given))) : undefined
  if (doubled !== undefined) {
    return `says "${doubled.raw}" once too often, passage ${n} says "${lost[0]!.raw}": "${clip(statement.text)}"`
  }
  const opposite = negationConflict(sentence, statement.text, copy) ?? oppositeWords(sentence, statement.text)
  return opposite === undefined ? undefined : `${opposite}; passage ${n} says: "${clip(statement.text)}"`
}

const timesIn = (fact: Fact, facts: readonly Fact[]): number =>
  facts.filter(({ kind, value }) => kind === fact.kind && value === fact.value).length

const clip = (text: string): string => (text.length > 200 ? `${text.slice(0, 199)}…` : text)

type Reading = {
  readonly negators: number
  readonly said: ReadonlySet<string>
  readonly negated: ReadonlySet<string>
  readonly scope: ReadonlySet<string>
}

function negationConflict(claim: string, evidence: string, copy: boolean): string | undefined {
  // The no of an answer is no negation of its sentence.
  const a = readNegations(claim.replace(/^\s{0,9}no[,.;:!]\s/i, ''))
  const b = readNegations(evidence)
  // Equally many negations are most often the same ones, put differently.
  if (a.negators === b.negators) return prefixConflict(a, b)
  for (const word of a.negated) if (b.said.has(word) && !b.scope.has(word)) return `negates "${word}", which its source affirms`
  for (const word of b.negated) if (a.said.has(word) && !a.scope.has(word)) return `affirms "${word}", which its source negates`
  if (copy && (a.negators - b.negators) % 2 !== 0) return a.negators > b.negators ? 'adds a negation' : 'drops a negation'
  return prefixConflict(a, b)
}

/** `supported` against `unsupported`. */
function prefixConflict(a: Reading, b: Reading): string | undefined {
  for (const [x, y, verb] of [
    [a, b, 'negates'],
    [b, a, 'affirms'],
  ] as const) {
    for (const word of x.said) {
      const bare = word.replace(OPPOSITE_PREFIX, '')
      if (
        bare !== word &&
        !x.scope.has(word) &&
        !y.said.has(word) &&
        y.said.has(bare) &&
        !y.scope.has(bare) &&
        !x.said.has(bare)
      ) {
        return `${verb} "${bare}", and its source says the opposite`
      }
    }
  }
  return undefined
}

/** Stems said plainly, the first stem behind each negator, and the few stems that a negator may reach. */
function readNegations(text: string): Reading {
  const said = new Set<string>()
  const negated = new Set<string>()
  const scope = new Set<string>()
  let reach = 0
  let negators = 0
  for (const [raw] of text
    .toLowerCase()
    .replace(/[’']/g, '')
    .matchAll(/[\p{L}\p{N}]+|[.,;:!?|]/gu)) {
    if (!/[\p{L}\p{N}]/u.test(raw) || raw === 'but') reach = 0
    else if (NEGATORS.has(raw)) {
      reach = NEGATED_STEMS
      negators += 1
    } else if (!isStopWord(raw)) {
      const word = stem(raw)
      if (reach === 0) said.add(word)
      else {
        if (reach === NEGATED_STEMS) negated.add(word)
        scope.add(word)
        reach -= 1
      }
    }
  }
  // A word that is said both plainly and negated proves neither.
  const plain = new Set([...said])
  for (const word of scope) said.add(word)
  for (const word of [...negated]) if (plain.has(word)) negated.delete(word)
  for (const word of [...scope]) if (plain.has(word)) scope.delete(word)
  return { negators, said, negated, scope }
}

function oppositeWords(claim: string, evidence: string): string | undefined {
  const a = spaced(claim)
  const b = spaced(evidence)
  for (const [some, others] of OPPOSITES) {
    for (const [left, right] of [
      [some, others],
      [others, some],
    ] as const) {
      const used = left.find((word) => a.includes(` ${word} `))
      const instead = right.find((word) => b.includes(` ${word} `))
      if (used === undefined || instead === undefined) continue
      if (right.some((word) => a.includes(` ${word} `)) || left.some((word) => b.includes(` ${word} `))) continue
      return `says "${used}" where its source says "${instead}"`
    }
  }
  return undefined
}

const spaced = (text: string): string => ` ${text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ')} `
