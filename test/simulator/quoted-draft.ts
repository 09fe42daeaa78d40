import { LRUCache } from 'lru-cache'
import { splitSentences } from '#shared/text/sentences.ts'
import { contentTerms } from '#shared/text/tokenize.ts'
import type { PromptPassage } from './passages-in-prompt.ts'

type Quote = { readonly n: number; readonly text: string; readonly order: number; readonly score: number; readonly hits: number }

const MAX_QUOTES = 3

/**
 * A draft made of sentences that stand word for word in the passages and share the question's rarer words: faithful by
 * construction, and no more than a simulation of understanding.
 */
export function quotedDraft(question: string, passages: readonly PromptPassage[]) {
  const asked = new Set(contentTerms(question))
  const quotes = quotesOf(asked, passages)
  const best = Math.max(0, ...quotes.map(({ score }) => score))
  const hits = Math.max(0, ...quotes.map((quote) => quote.hits))
  const answerable = hits >= Math.min(2, asked.size) && hits > 0
  const chosen = quotes.filter(({ score }) => score >= 0.6 * best && score > 0).sort((a, b) => b.score - a.score)
  const sentences = chosen
    .slice(0, MAX_QUOTES)
    .sort((a, b) => a.order - b.order)
    .map(({ text, n }) => ({ text, citations: [n] }))
  return { answerable, sentences: answerable ? sentences : [], followUps: [] }
}

type Unit = { readonly text: string; readonly terms: ReadonlySet<string> }
/** Passages come again and again, and what the simulator computes is taken from those whom it is simulated for. */
const known = new LRUCache<string, readonly Unit[]>({ max: 2_000 })
function unitsOf(passage: string): readonly Unit[] {
  const units =
    known.get(passage) ??
    splitSentences(passage).map((unit) => ({ text: unit.text.trim(), terms: new Set(contentTerms(unit.text)) }))
  known.set(passage, units)
  return units
}

function quotesOf(asked: ReadonlySet<string>, passages: readonly PromptPassage[]): Quote[] {
  const units = passages.flatMap(({ n, text }) => unitsOf(text).map((unit) => ({ n, ...unit })))
  const terms = units.map((unit) => unit.terms)
  const rarity = new Map(
    [...asked].map((term) => [term, Math.log(1 + units.length / (1 + terms.filter((set) => set.has(term)).length))]),
  )
  const seen = new Set<string>()
  return units.flatMap(({ n, text }, order) => {
    if (seen.has(text) || text.split(/\s+/).length < 3) return []
    seen.add(text)
    const shared = [...asked].filter((term) => terms[order]!.has(term))
    const score = shared.reduce((sum, term) => sum + rarity.get(term)!, 0)
    return [{ n, text, order, score, hits: shared.length }]
  })
}
