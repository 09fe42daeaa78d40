import { LRUCache } from 'lru-cache'
import type { Passage } from '#shared/domain/passage.ts'
import { type Fact, factsIn, normalWords } from '#shared/text/facts-in-text.ts'
import { readableRow, sentenceSpans, splitSentences, type TextUnit } from '#shared/text/sentences.ts'
import { contentTerms } from '#shared/text/tokenize.ts'
import { rarityOf } from '#shared/text/word-rarity.ts'

export type EvidenceUnit = {
  readonly unit: TextUnit
  readonly terms: ReadonlySet<string>
  /** The beginnings of its longer terms: words of one family share theirs. */
  readonly families: ReadonlySet<string>
  readonly facts: readonly Fact[]
}

export type Statement = { readonly text: string; readonly terms: ReadonlyMap<string, number>; readonly facts: readonly Fact[] }

/** A passage, read once: what its units say and which facts it holds anywhere (title, headings and address included). */
export type Evidence = {
  readonly passage: Passage
  readonly units: readonly EvidenceUnit[]
  /** The same sentence by sentence, with title and headings: what a near-copy is compared with. */
  readonly statements: readonly Statement[]
  /** What title and headings say: a sentence below "Hub 2" speaks of the Hub 2 without naming it. */
  readonly contextTerms: ReadonlySet<string>
  readonly contextFacts: readonly Fact[]
  readonly facts: readonly Fact[]
  /** All words, normalised, between spaces: for looking up quoted words. */
  readonly words: string
}

const read = new WeakMap<Passage, Evidence>()
/** Popular passages come with run after run, and with each step of one anew: reading one costs a millisecond. */
const popular = new LRUCache<string, Evidence>({ max: 400 })

/** Passages are never changed once retrieved, so that each is read once however many claims cite it. */
export function readEvidence(passage: Passage): Evidence {
  const known = read.get(passage)
  if (known !== undefined) return known
  const { title, section, url, text } = passage
  // All that the reading looks at; the rest of a passage (its number, its scores) is this one's own.
  const key = JSON.stringify([title, section, url, text])
  const before = popular.get(key)
  const evidence = before === undefined ? readPassage(passage) : { ...before, passage }
  popular.set(key, evidence)
  read.set(passage, evidence)
  return evidence
}

function readPassage(passage: Passage): Evidence {
  const units = splitSentences(passage.text)
  const inside = factsIn(passage.text)
  const headings = [passage.title, ...passage.section, ...new Set(units.flatMap((unit) => unit.headings))]
  const context = headings.join('\n')
  const contextFacts = factsIn(passage.url === undefined ? context : `${context}\n${passage.url}`)
  return {
    passage,
    units: units.map((unit) => readUnit(unit, inside)),
    statements: [...units.flatMap(statementsOf), ...headings].map((text) => ({
      text,
      terms: weighTerms(text),
      facts: factsIn(text),
    })),
    contextTerms: new Set(contentTerms(context)),
    contextFacts,
    facts: [...inside, ...contextFacts],
    words: ` ${normalWords(`${context}\n${passage.text}`)} `,
  }
}

/** Items and rows may hold several sentences; a row is compared as a whole, with its headers. */
function statementsOf(unit: TextUnit): string[] {
  if (unit.cells !== undefined) return [readableRow(unit.cells)]
  return [...sentenceSpans(unit.text, 0, unit.text.length)].map((span) => unit.text.slice(span.start, span.end))
}

function readUnit(unit: TextUnit, inside: readonly Fact[]): EvidenceUnit {
  const headers = (unit.cells ?? []).map((cell) => cell.header).join('\n')
  const own = inside.filter((fact) => fact.start >= unit.start && fact.end <= unit.end)
  const terms = new Set(contentTerms(`${headers}\n${unit.text}`))
  const long = [...terms].filter((term) => term.length > FAMILY_CHARACTERS)
  return {
    unit,
    terms,
    families: new Set(long.map((term) => term.slice(0, FAMILY_CHARACTERS))),
    facts: headers === '' ? own : [...own, ...factsIn(headers)],
  }
}

/** The terms of a claim with their weights: common words weigh little, ids and numbers most. */
export function weighTerms(text: string): Map<string, number> {
  return new Map(contentTerms(text).map((term) => [term, rarityOf(term)]))
}

/** The stretch of one passage (up to three neighbouring units) that covers most of the claim. */
export type EvidenceSpan = {
  readonly n: number
  readonly start: number
  readonly end: number
  readonly text: string
  /** 0..1: weighted share of the claim's terms. */
  readonly score: number
  readonly units: readonly EvidenceUnit[]
}

const MAX_SPAN_UNITS = 3
/** A further unit must add this much, so that a quote holds no sentence that proves nothing. */
const MIN_GAIN = 0.04
const CONTEXT_CREDIT = 0.8
const FAMILY_CREDIT = 0.7
const FAMILY_CHARACTERS = 5

/** Best span of one passage; undefined when the passage has no units. */
export function bestSpan(terms: ReadonlyMap<string, number>, evidence: Evidence): EvidenceSpan | undefined {
  const weighed = [...terms]
  const total = weighed.reduce((sum, [, weight]) => sum + weight, 0)
  const credits = evidence.units.map((unit) => creditsOf(weighed, unit, evidence.contextTerms))
  let best: { from: number; to: number; score: number } | undefined
  for (let from = 0; from < credits.length; from++) {
    const merged = new Float64Array(weighed.length)
    let reached = 0
    for (let to = from; to < Math.min(credits.length, from + MAX_SPAN_UNITS); to++) {
      const score = total === 0 ? 0 : mergeInto(merged, credits[to]!) / total
      const cost = MIN_GAIN * (to - from)
      if (to > from && score < reached + MIN_GAIN) continue
      reached = score
      if (best === undefined || score - cost > best.score - MIN_GAIN * (best.to - best.from)) best = { from, to, score }
    }
  }
  if (best === undefined) return undefined
  const units = evidence.units.slice(best.from, best.to + 1)
  const start = units[0]!.unit.start
  const end = units.at(-1)!.unit.end
  return {
    n: evidence.passage.n,
    start,
    end,
    text: evidence.passage.text.slice(start, end),
    score: Math.min(1, best.score),
    units,
  }
}

/** Each term counts as its best unit has it. @returns the sum */
function mergeInto(merged: Float64Array, credits: readonly number[]): number {
  let sum = 0
  for (let term = 0; term < credits.length; term++) {
    if (credits[term]! > merged[term]!) merged[term] = credits[term]!
    sum += merged[term]!
  }
  return sum
}

/** What each term of the claim earns from a unit: in full when it is there, in part from the headings or a word of its family. */
function creditsOf(
  terms: readonly (readonly [string, number])[],
  { terms: present, families }: EvidenceUnit,
  context: ReadonlySet<string>,
): number[] {
  return terms.map(([term, weight]) => {
    if (present.has(term)) return weight
    if (context.has(term)) return weight * CONTEXT_CREDIT
    return term.length >= FAMILY_CHARACTERS && families.has(term.slice(0, FAMILY_CHARACTERS)) ? weight * FAMILY_CREDIT : 0
  })
}
