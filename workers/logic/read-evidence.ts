import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Passage } from '#shared/domain/passage.ts'
import { type Fact, normalWords, readFacts } from '#shared/text/facts-in-text.ts'
import { readableRow, sentenceSpans, splitSentences, type TextUnit } from '#shared/text/sentences.ts'
import { contentTerms } from '#shared/text/tokenize.ts'
import { rarityOf } from '#shared/text/word-rarity.ts'
import { keptWith } from './kept-with.ts'

export type EvidenceUnit = {
  readonly unit: TextUnit
  readonly terms: ReadonlySet<string>
  /** The beginnings of its longer terms: words of one family share theirs. */
  readonly families: ReadonlySet<string>
  readonly facts: readonly Fact[]
}

export type Statement = { readonly text: string; readonly terms: ReadonlyMap<string, number> }

/** What the words of a passage say, read once: its units, and which facts it holds anywhere (title, headings and address included). */
export type Reading = {
  /** Title, sections and text. */
  readonly whole: string
  /** The same with the headings inside the text in front of it, too. */
  readonly worded: string
  readonly units: readonly EvidenceUnit[]
  /** The same sentence by sentence, with title and headings: what a near-copy is compared with. */
  readonly statements: readonly Statement[]
  /** What title and headings say: a sentence below "Hub 2" speaks of the Hub 2 without naming it. */
  readonly contextTerms: ReadonlySet<string>
  readonly contextFacts: readonly Fact[]
  readonly facts: readonly Fact[]
}

/** A passage with what it says. Passages of the same words share one reading. */
export type Evidence = Reading & { readonly passage: Passage; readonly reading: Reading }

/** Popular passages come with run after run, and with each step of one anew: reading one costs a millisecond. */
const popular = new LRUCache<string, Reading>({ max: 400 })
/**
 * Passages that came once. A reading is large, and most passages are never seen again: kept, they would push out the popular ones and
 * keep the garbage collector busy. So one is kept from its second reading on (the doorkeeper of TinyLFU, Einziger et al. 2017).
 */
const cameOnce = new LRUCache<string, true>({ max: 4_000 })

/** Passages are never changed once retrieved, so that each is read once however many claims cite it. */
export const readEvidence: (passage: Passage) => Evidence = keptWith((passage) => {
  const key = keyOf(passage)
  const before = popular.get(key)
  const reading = before ?? readPassage(passage)
  if (before === undefined && cameOnce.has(key)) popular.set(key, reading)
  else cameOnce.set(key, true)
  return { ...reading, passage, reading }
})

/** Of all that the reading looks at; the rest of a passage (its number, its scores) is its own. */
const keyOf = ({ title, section, url, text }: Passage): string =>
  createHash('sha256')
    .update(JSON.stringify([title, section, url, text]))
    .digest('base64')

function readPassage(passage: Passage): Reading {
  const units = splitSentences(passage.text)
  const inside = readFacts(passage.text)
  const headings = [passage.title, ...passage.section, ...new Set(units.flatMap((unit) => unit.headings))]
  const context = headings.join('\n')
  // A paragraph of one sentence is a unit and a statement.
  const known = new Map<string, string[]>()
  const termsIn = (text: string): string[] => {
    const terms = known.get(text) ?? contentTerms(text)
    known.set(text, terms)
    return terms
  }
  const contextFacts = readFacts(passage.url === undefined ? context : `${context}\n${passage.url}`)
  return {
    whole: [passage.title, ...passage.section, passage.text].join('\n'),
    worded: `${context}\n${passage.text}`,
    units: units.map((unit) => readUnit(unit, inside, termsIn)),
    statements: [...units.flatMap(statementsOf), ...headings].map((text) => ({
      text,
      terms: weighed(termsIn(text)),
    })),
    contextTerms: new Set(contentTerms(context)),
    contextFacts,
    facts: [...inside, ...contextFacts],
  }
}

// What few claims need of few passages, units and statements is read when it is asked for.

/** The facts of a statement by itself. */
export const factsOf: (statement: Statement) => readonly Fact[] = keptWith(({ text }) => readFacts(text))

/** All words of a passage with its title and headings, normalised, between spaces: for looking up quoted words. */
export const wordsOf: (reading: Reading) => string = keptWith(({ worded }) => ` ${normalWords(worded)} `)

/** The words of a unit as `normalWords` gives them, and those of a row with its headers: what a word-for-word repetition is found by. */
export const wordingsOf: (one: EvidenceUnit) => readonly string[] = keptWith(({ unit }) =>
  [unit.text, ...(unit.cells === undefined ? [] : [readableRow(unit.cells)])].map(normalWords),
)

/** Items and rows may hold several sentences; a row is compared as a whole, with its headers. */
function statementsOf(unit: TextUnit): string[] {
  if (unit.cells !== undefined) return [readableRow(unit.cells)]
  return [...sentenceSpans(unit.text, 0, unit.text.length)].map((span) => unit.text.slice(span.start, span.end))
}

function readUnit(unit: TextUnit, inside: readonly Fact[], termsIn: (text: string) => string[]): EvidenceUnit {
  const headers = (unit.cells ?? []).map((cell) => cell.header).join('\n')
  const own = inside.filter((fact) => fact.start >= unit.start && fact.end <= unit.end)
  const terms = new Set(headers === '' ? termsIn(unit.text) : contentTerms(`${headers}\n${unit.text}`))
  const long = [...terms].filter((term) => term.length > FAMILY_CHARACTERS)
  return {
    unit,
    terms,
    families: new Set(long.map((term) => term.slice(0, FAMILY_CHARACTERS))),
    facts: headers === '' ? own : [...own, ...readFacts(headers)],
  }
}

/** The terms of a claim with their weights: common words weigh little, ids and numbers most. */
export const weighTerms = (text: string): Map<string, number> => weighed(contentTerms(text))
export function weighed(content: readonly string[]): Map<string, number> {
  const weights = new Map<string, number>()
  for (const term of content) weights.set(term, rarityOf(term))
  return weights
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
  let total = 0
  for (const weight of terms.values()) total += weight
  const credits = creditsOf(terms, evidence)
  let best: { from: number; to: number; score: number } | undefined
  for (let from = 0; from < evidence.units.length; from++) {
    const merged = new Float64Array(terms.size)
    let reached = 0
    for (let to = from; to < Math.min(evidence.units.length, from + MAX_SPAN_UNITS); to++) {
      const score = total === 0 ? 0 : mergeInto(merged, credits.subarray(to * terms.size, (to + 1) * terms.size)) / total
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
function mergeInto(merged: Float64Array, credits: Float64Array): number {
  let sum = 0
  for (let term = 0; term < credits.length; term++) {
    if (credits[term]! > merged[term]!) merged[term] = credits[term]!
    sum += merged[term]!
  }
  return sum
}

/**
 * What each term of the claim earns from each unit, unit by unit: in full when it is there, in part from the headings or a word of its
 * family.
 */
function creditsOf(terms: ReadonlyMap<string, number>, { units, contextTerms }: Evidence): Float64Array {
  const credits = new Float64Array(units.length * terms.size)
  let column = 0
  for (const [term, weight] of terms) {
    const family = term.length >= FAMILY_CHARACTERS ? term.slice(0, FAMILY_CHARACTERS) : undefined
    const fromContext = contextTerms.has(term) ? weight * CONTEXT_CREDIT : undefined
    for (let at = 0; at < units.length; at++) {
      const { terms: present, families } = units[at]!
      const within = fromContext ?? (family !== undefined && families.has(family) ? weight * FAMILY_CREDIT : 0)
      credits[at * terms.size + column] = present.has(term) ? weight : within
    }
    column++
  }
  return credits
}
