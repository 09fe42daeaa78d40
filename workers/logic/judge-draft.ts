import type { Answer } from '#shared/domain/answer.ts'
import type { Draft, DraftSentence } from '#shared/domain/draft.ts'
import type { Passage, Passages } from '#shared/domain/passage.ts'
import type { Screened } from '#shared/domain/screened.ts'
import type { Claim, Verdict } from '#shared/domain/verdict.ts'
import { factsIn } from '#shared/text/facts-in-text.ts'
import { contentTerms } from '#shared/text/tokenize.ts'
import { checkClaim, withoutMarkers } from './check-claim.ts'
import { composeAnswer } from './compose-answer.ts'
import { isCourtesy } from './is-courtesy.ts'
import { standsAmong } from './match-facts.ts'
import { checkOutput, type OutputCheck, sentenceTrouble } from './output-checks.ts'
import { readEvidence } from './read-evidence.ts'
import { type SupportIndex, supportIndex } from './support-features.ts'
import { supportScore } from './support-score.ts'

export type Judgement =
  | { readonly outcome: 'faithful'; readonly verdict: Verdict; readonly answer: Answer }
  | { readonly outcome: 'repairable' | 'unfaithful'; readonly verdict: Verdict }

export type Case = {
  readonly draft: Draft
  readonly passages: Passages
  readonly screened: Screened
  /** Which visit of `verify` this is, from 1: a draft is repaired once. */
  readonly visit: number
  /** Strings that stand in our prompts and nowhere else. */
  readonly canaries: readonly string[]
}

/** With less than this share of claims left, what remains is another answer than the one that was drafted. */
const MIN_KEPT = 0.6
const MAX_FOLLOW_UP_CHARACTERS = 200

/**
 * The decision on a draft. All claims supported: deliver. Some not, but the first and most of the others: another draft where a
 * model can write one, else the unsupported sentences are cut and the rest delivered. Nothing supported, the core lost, or words
 * of our prompt in it: a person takes over. Pure: the same draft is judged the same way.
 */
export function judgeDraft({ draft, passages: retrieved, screened, visit, canaries }: Case): Judgement {
  const { passages } = retrieved
  const question = `${screened.subject}\n${screened.text}`
  const sentences = joinBare(draft.sentences)
  const weigh = supportWeigher(passages, question)
  const claims = sentences.map((sentence) => weigh(withTrouble(checkClaim(sentence, passages, question), passages, screened)))
  const followUps = draft.followUps.filter((followUp) => isSafe(followUp, passages, screened))
  const output = { sentences: sentences.map(({ text }) => text), followUps: draft.followUps, by: draft.by }
  const outputChecks = checkOutput(output, passages, screened, canaries)

  const checkable = claims.filter(({ kind }) => kind === 'claim')
  const supported = checkable.filter((claim) => claim.supported)
  const kept = checkable.length === 0 ? 0 : supported.length / checkable.length
  const confidence = confidenceOf(supported, kept, retrieved.evidence)
  const cut = claims.flatMap((claim, index) => (claim.supported ? [] : [index]))
  const reasons = [...failures(outputChecks), ...cut.map((index) => claims[index]!.reason)]
  const verdictWith = (decision: Verdict['decision'], more: string[] = []): Verdict => ({
    decision,
    claims,
    cut: decision === 'deliver' ? cut : [],
    outputChecks,
    confidence: decision === 'deliver' ? confidence : 0,
    reasons: [...more, ...reasons].slice(0, 20),
  })

  const failed = (check: string) => outputChecks.some((one) => one.check === check && !one.passed)
  if (failed('leak')) return { outcome: 'unfaithful', verdict: verdictWith('escalate') }
  if (!draft.answerable || supported.length === 0) {
    const why = draft.answerable ? 'no sentence of the draft is supported by its sources' : 'the draft declines to answer'
    return { outcome: 'unfaithful', verdict: verdictWith('escalate', [why]) }
  }
  const wrongForm = failed('language') || failed('length')
  const repairable = draft.by === 'model' && visit <= 1
  if (repairable && (cut.length > 0 || wrongForm)) return { outcome: 'repairable', verdict: verdictWith('repair') }
  if (wrongForm) return { outcome: 'unfaithful', verdict: verdictWith('escalate') }
  if (cut.length > 0 && (kept < MIN_KEPT || checkable[0]?.supported !== true)) {
    return {
      outcome: 'unfaithful',
      verdict: verdictWith('escalate', ['too much of the draft is unsupported to cut it and deliver the rest']),
    }
  }
  const answer = composeAnswer(claims, passages, { confidence, followUps, by: draft.by })
  return { outcome: 'faithful', verdict: verdictWith('deliver'), answer }
}

/** "Yes." claims nothing that could be looked up: it is judged with the sentence behind it. */
function joinBare(sentences: readonly DraftSentence[]): DraftSentence[] {
  const joined: DraftSentence[] = []
  let waiting: DraftSentence | undefined
  for (const sentence of sentences) {
    const whole: DraftSentence =
      waiting === undefined
        ? sentence
        : {
            text: `${waiting.text.trim()} ${sentence.text.trim()}`,
            citations: [...new Set([...waiting.citations, ...sentence.citations])],
          }
    waiting = undefined
    if (isBare(whole.text)) waiting = whole
    else joined.push(whole)
  }
  return waiting === undefined ? joined : [...joined, waiting]
}

const isBare = (text: string): boolean =>
  text.length <= 40 && contentTerms(text).length === 0 && factsIn(text).length === 0 && !isCourtesy(text)

function withTrouble(claim: Claim, passages: readonly Passage[], screened: Screened): Claim {
  const trouble = sentenceTrouble(claim.text, passages, screened.placeholders)
  return trouble === undefined ? claim : { ...claim, kind: 'claim', supported: false, reason: claim.reason || trouble }
}

/** Claims that cite the same passages share what was read of them. */
function supportWeigher(passages: readonly Passage[], question: string): (claim: Claim) => Claim {
  const read = new Map<string, SupportIndex>()
  return (claim) => {
    if (claim.kind === 'courtesy' || claim.citations.length === 0) return claim
    const cited = claim.citations.join()
    const index =
      read.get(cited) ??
      supportIndex(
        passages.filter(({ n }) => claim.citations.includes(n)),
        question,
      )
    read.set(cited, index)
    return { ...claim, support: Math.round(supportScore(withoutMarkers(claim.text), index) * 1_000) / 1_000 }
  }
}

/** Follow-ups are shown as questions to tap on: one that brings a fact of its own would be a claim that nobody checked. */
function isSafe(followUp: string, passages: readonly Passage[], screened: Screened): boolean {
  if (followUp.trim() === '' || followUp.length > MAX_FOLLOW_UP_CHARACTERS) return false
  if (sentenceTrouble(followUp, passages, screened.placeholders) !== undefined) return false
  const known = passages.flatMap((passage) => readEvidence(passage).facts)
  return factsIn(followUp).every((fact) => fact.kind === 'quote' || standsAmong(fact, known))
}

const failures = (checks: readonly OutputCheck[]): string[] =>
  checks.flatMap(({ check, passed, detail }) => (passed || check === 'sentences' ? [] : [`${check}: ${detail}`]))

/** How well the kept claims are covered, how well the passages cover the question, and how much had to go. Not a probability. */
function confidenceOf(supported: readonly Claim[], kept: number, evidence: number): number {
  if (supported.length === 0) return 0
  const mean = supported.reduce((sum, claim) => sum + claim.score, 0) / supported.length
  return Math.round(mean * kept * (0.7 + 0.3 * evidence) * 100) / 100
}
