import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { DraftSentence } from '#shared/domain/draft.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { Screened } from '#shared/domain/screened.ts'
import type { TenantProof } from '#shared/domain/tenant-proof.ts'
import type { Claim } from '#shared/domain/verdict.ts'
import { keptWith } from './kept-with.ts'

/** All that a sentence is weighed by, and the run it belongs to. */
type Grounds = {
  readonly run: string
  readonly passages: readonly Passage[]
  readonly screened: Screened
  readonly policy: TenantProof
}

/** Some drafts' worth: `verify` comes right behind `generate`, most often in the same process. */
const weighed = new LRUCache<string, Claim>({ max: 500 })

/**
 * `weigh`, but a sentence that was weighed in this run by the same passages, question and policy is not weighed again: each one is
 * while the draft is being written, and again when the whole is proven. The grounds are compared by their content, not by who holds
 * them, so a claim is only ever given for exactly what it was made from.
 */
export function weighedOnce(grounds: Grounds, weigh: (sentence: DraftSentence) => Claim): (sentence: DraftSentence) => Claim {
  const { run, passages, screened, policy } = grounds
  // What follows from a sentence that is unproven has no part in whether it is.
  const { onUnproven: _consequence, ...rules } = policy
  const by = hashOf([run, hashOfPassages(passages), screened.subject, screened.text, screened.placeholders, rules])
  return ({ text, citations }) => {
    const key = JSON.stringify([by, text, citations])
    const known = weighed.get(key)
    if (known !== undefined) return { ...known }
    const claim = weigh({ text, citations })
    weighed.set(key, claim)
    return { ...claim }
  }
}

const hashOf = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('base64')
const hashOfPassages: (passages: readonly Passage[]) => string = keptWith(hashOf)
