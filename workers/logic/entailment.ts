import * as z from 'zod'
import type { TenantProof } from '#shared/domain/tenant-proof.ts'
import type { Claim } from '#shared/domain/verdict.ts'
import { MIN_SUPPORT } from './check-claim.ts'
import { SUPPORT_THRESHOLD } from './support-weights.ts'

/** What a model says of one claim: the sources say it, say the opposite, or do not say it. */
export const Entailment = z.object({
  claim: z.int().positive(),
  verdict: z.enum(['entailed', 'contradicted', 'not-stated']),
  why: z.string().max(600).default(''),
})
export type Entailment = z.infer<typeof Entailment>
export const Entailments = z.object({ verdicts: z.array(Entailment).max(60) })
export type Entailments = z.infer<typeof Entailments>

/** On either side of the score where supported and unsupported texts part best. */
const BORDERLINE = 0.25
/** A claim with less of its words in its sources is a claim about something else, whoever says otherwise. */
const LEAST_COVERED = MIN_SUPPORT / 2
const TOO_LITTLE = /^only \d{1,3} % of /

/** Whether a model's opinion could change what becomes of a claim, or how far it is trusted. */
const isBorderline = (claim: Claim): boolean =>
  claim.supported ? claim.score < 1 && Math.abs((claim.support ?? 0) - SUPPORT_THRESHOLD) < BORDERLINE : isRaisable(claim)

const isRaisable = (claim: Claim): boolean => TOO_LITTLE.test(claim.reason) && claim.score >= LEAST_COVERED

/** The indexes of the claims that a model is asked about: all that may matter once one of them does. Empty where nobody is asked. */
export function claimsToAsk(claims: readonly Claim[], wanted: TenantProof['entailment']): number[] {
  if (wanted === 'off') return []
  const open = claims.flatMap((claim, index) =>
    claim.kind === 'claim' && claim.citations.length > 0 && (claim.supported || isRaisable(claim)) ? [index] : [],
  )
  return wanted === 'always' || open.some((index) => isBorderline(claims[index]!)) ? open : []
}

/**
 * The last word on a claim. A model's "not stated" or "contradicted" takes a supported claim down; its "entailed" lifts one that
 * failed only because too few of its words are covered. A number, name, negation, quotation or address that is wrong stays wrong.
 */
export function decideClaim(claim: Claim, minSupport: number, said: Entailment | undefined): Claim {
  if (claim.kind === 'courtesy') return claim
  const by = said && { entailment: said.verdict }
  if (claim.supported && said && said.verdict !== 'entailed') {
    const what = said.verdict === 'contradicted' ? 'the sources say otherwise' : 'the sources do not say this'
    return { ...claim, ...by, supported: false, reason: `${what}, by a model's reading${said.why === '' ? '' : `: ${said.why}`}` }
  }
  if (!claim.supported && said?.verdict === 'entailed' && isRaisable(claim))
    return { ...claim, ...by, supported: true, reason: '' }
  // A sentence of the source itself needs no score.
  const weak = claim.supported && claim.score < 1 && said?.verdict !== 'entailed' && (claim.support ?? 1) < minSupport
  if (weak)
    return { ...claim, ...by, supported: false, reason: `its support is ${claim.support}, the tenant asks for ${minSupport}` }
  return { ...claim, ...by }
}
