import type { Answer } from '#shared/domain/answer.ts'
import type { Draft, DraftSentence } from '#shared/domain/draft.ts'
import type { Passage, Passages } from '#shared/domain/passage.ts'
import type { Screened } from '#shared/domain/screened.ts'
import { DEFAULT_PROOF, type TenantProof } from '#shared/domain/tenant-proof.ts'
import type { Claim, Verdict } from '#shared/domain/verdict.ts'
import { factsIn } from '#shared/text/facts-in-text.ts'
import { contentTerms } from '#shared/text/tokenize.ts'
import { checkClaim, withoutMarkers } from './check-claim.ts'
import { composeAnswer } from './compose-answer.ts'
import { decideClaim, type Entailment } from './entailment.ts'
import { isCourtesy } from './is-courtesy.ts'
import { standsAmong } from './match-facts.ts'
import { checkOutput, type OutputCheck, sentenceTrouble } from './output-checks.ts'
import { readEvidence } from './read-evidence.ts'
import { type SupportIndex, supportIndex } from './support-index.ts'
import { supportScore } from './support-score.ts'
import { weighedOnce } from './weighed-once.ts'

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
  /** What the tenant has set; the defaults where it is absent. */
  readonly policy?: TenantProof
  /** What a model made of each claim, by its index in the ledger; absent where none was asked. */
  readonly entailed?: ReadonlyMap<number, Entailment>
  /** What `weighClaims` said of this draft, where it has been asked already. */
  readonly weighed?: readonly Claim[]
  /** Names the run: within it, what was weighed once (while the draft was being written) is not weighed again. */
  readonly run?: string
}

const MAX_FOLLOW_UP_CHARACTERS = 200
/** More than `checkOutput` lets through: what is longer is no sentence, whatever it says. */
const MAX_CHECKED_CHARACTERS = 3_000

/**
 * The decision on a draft. All claims supported: deliver. Some or all not: another draft where a model can write one, once; after
 * that the unsupported sentences are cut and the rest delivered where the first and most of the others remain. Nothing supported
 * still, the core lost, or words of our prompt in it: a person takes over. Pure: the same draft is judged the same way.
 */
export function judgeDraft(one: Case): Judgement {
  const { draft, passages: retrieved, screened, visit, canaries, policy = DEFAULT_PROOF } = one
  const { passages } = retrieved
  const claims = ledgerOf(one)
  const followUps = draft.followUps.filter((followUp) => isSafe(followUp, passages, screened, policy))
  const output = {
    sentences: claims.map(({ text }) => text),
    followUps: draft.followUps.map((followUp) => followUp.slice(0, MAX_CHECKED_CHARACTERS)),
    by: draft.by,
  }
  const outputChecks = checkOutput(output, passages, screened, canaries, policy)

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
  if (failed('leak') || failed('refusal')) return { outcome: 'unfaithful', verdict: verdictWith('escalate') }
  if (!draft.answerable) return { outcome: 'unfaithful', verdict: verdictWith('escalate', ['the draft declines to answer']) }
  const wrongForm = failed('language') || failed('length')
  const nothing = supported.length === 0 ? ['no sentence of the draft is supported by its sources'] : []
  if (policy.onUnproven === 'escalate' && cut.length > 0)
    return {
      outcome: 'unfaithful',
      verdict: verdictWith('escalate', [...nothing, 'the policy delivers no draft of which a part is unproven']),
    }
  // A draft that quotes would quote the same again, and without passages there is nothing that another draft could stand on.
  const another = draft.by === 'model' && visit <= 1 && passages.length > 0 && (policy.onUnproven === 'repair' || wrongForm)
  if (another && (cut.length > 0 || wrongForm || supported.length === 0))
    return { outcome: 'repairable', verdict: verdictWith('repair', nothing) }
  if (supported.length === 0) return { outcome: 'unfaithful', verdict: verdictWith('escalate', nothing) }
  if (wrongForm) return { outcome: 'unfaithful', verdict: verdictWith('escalate') }
  if (cut.length > 0 && (kept < policy.minKept || checkable[0]?.supported !== true)) {
    return {
      outcome: 'unfaithful',
      verdict: verdictWith('escalate', ['too much of the draft is unsupported to cut it and deliver the rest']),
    }
  }
  const answer = composeAnswer(claims, passages, { confidence, followUps, by: draft.by })
  return { outcome: 'faithful', verdict: verdictWith('deliver'), answer }
}

/**
 * Every sentence of the draft with what speaks for and against it: the deterministic checks, the learned support, and what a model
 * said where one was asked. A model can lower trust, and raise a support that is merely too low; it overrules no check.
 */
export function ledgerOf(one: Case): Claim[] {
  const { policy = DEFAULT_PROOF, entailed, weighed = weighClaims(one) } = one
  return weighed.map((claim, index) => decideClaim(claim, policy.minSupport, entailed?.get(index)))
}

/** The part of the ledger that is the same whatever a model says: the checks and the learned support. */
export function weighClaims({ draft, passages: { passages }, screened, policy = DEFAULT_PROOF, run }: Case): Claim[] {
  const question = `${screened.subject}\n${screened.text}`
  const weigh = supportWeigher(passages, question)
  const weighOne = (sentence: DraftSentence) =>
    weigh(withTrouble(checkClaim(sentence, passages, question), passages, screened, policy))
  const once = run === undefined ? weighOne : weighedOnce({ run, passages, screened, policy }, weighOne)
  return joinBare(draft.sentences).map((sentence) =>
    sentence.text.length > MAX_CHECKED_CHARACTERS ? endless(sentence) : once(sentence),
  )
}

/** Never to be delivered, so neither read nor kept in full. */
const endless = ({ text }: DraftSentence): Claim => ({
  text: `${text.slice(0, MAX_CHECKED_CHARACTERS)}…`.toWellFormed(),
  supported: false,
  score: 0,
  citations: [],
  reason: `is ${text.length} characters long`,
  kind: 'claim',
})

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

function withTrouble(claim: Claim, passages: readonly Passage[], screened: Screened, policy: TenantProof): Claim {
  const trouble = sentenceTrouble(claim.text, passages, screened.placeholders, policy)
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
function isSafe(followUp: string, passages: readonly Passage[], screened: Screened, policy: TenantProof): boolean {
  if (followUp.trim() === '' || followUp.length > MAX_FOLLOW_UP_CHARACTERS) return false
  if (sentenceTrouble(followUp, passages, screened.placeholders, policy) !== undefined) return false
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
