import type { Answer } from '#shared/domain/answer.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { Claim } from '#shared/domain/verdict.ts'
import { factsIn } from '#shared/text/facts-in-text.ts'
import { withoutMarkers } from './check-claim.ts'
import { standsAmong } from './match-facts.ts'
import { bestSpan, readEvidence, weighTerms } from './read-evidence.ts'

type Quote = { readonly n: number; readonly start: number; readonly end: number; readonly text: string }

/** A further cited passage gets a marker when it covers this share of the claim, or holds a fact that the first one lacks. */
const MIN_SHARE = 0.5
const LIST_ITEM = /^(?:\(?\d{1,3}[.)]|[-*•]) /

/**
 * The answer from what survived: each supported claim behind it `[n]`, one number a quote, in order of first use, so that a
 * marker leads to the very words that support its sentence. Courtesies stand without. Claims that are not supported are left out
 * whoever passes them in.
 */
export function composeAnswer(
  claims: readonly Claim[],
  passages: readonly Passage[],
  rest: Pick<Answer, 'confidence' | 'followUps' | 'by'>,
): Answer {
  const byNumber = new Map(passages.map((passage) => [passage.n, passage]))
  const citations: Answer['citations'] = []
  const numbers = new Map<string, number>()
  const numberOf = (quote: Quote): number => {
    const passage = byNumber.get(quote.n)!
    const key = `${passage.chunkId} ${quote.start} ${quote.end}`
    const known = numbers.get(key)
    if (known !== undefined) return known
    const n = citations.length + 1
    numbers.set(key, n)
    const { documentId, chunkId, title, url } = passage
    citations.push({ n, documentId, chunkId, title, ...(url === undefined ? {} : { url }), quote: quote.text })
    return n
  }

  let text = ''
  for (const claim of claims) {
    if (!claim.supported) continue
    const sentence = withoutMarkers(claim.text)
    const markers = claim.kind === 'courtesy' ? [] : quotesOf(claim, byNumber).map((quote) => `[${numberOf(quote)}]`)
    const separator = text === '' ? '' : LIST_ITEM.test(sentence) ? '\n' : ' '
    text += `${separator}${sentence}${markers.length === 0 ? '' : ` ${markers.join('')}`}`
  }
  return { text, citations, ...rest }
}

/** The span that supports the claim best, then those of the other cited passages that add to it. */
function quotesOf(claim: Claim, passages: ReadonlyMap<number, Passage>): Quote[] {
  if (claim.evidence === undefined) return []
  const quotes: Quote[] = [claim.evidence]
  const text = withoutMarkers(claim.text)
  const facts = factsIn(text)
  for (const n of claim.citations) {
    const passage = passages.get(n)
    const span = n === claim.evidence.n || passage === undefined ? undefined : bestSpan(weighTerms(text), readEvidence(passage))
    if (span === undefined) continue
    const quoted = quotes.flatMap((quote) => factsIn(quote.text))
    const added = factsIn(span.text)
    const adds = facts.some((fact) => !standsAmong(fact, quoted) && standsAmong(fact, added))
    if (adds || span.score >= Math.max(MIN_SHARE, claim.score * MIN_SHARE)) quotes.push(span)
  }
  return quotes
}
