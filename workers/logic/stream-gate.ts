import type { DraftSentence } from '#shared/domain/draft.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { Claim } from '#shared/domain/verdict.ts'
import { withoutMarkers } from './check-claim.ts'
import { composeAnswer } from './compose-answer.ts'
import { createDraftReader } from './stream-draft.ts'

/** What followers are told: more of the text, or that what they were told is void. */
export type Release = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'restart' }

export type GateOptions = {
  readonly passages: readonly Passage[]
  /** before: a sentence is released when it is proven · after: as it is written, and taken back when it was not */
  readonly verify: 'before' | 'after'
  /** The claims of these sentences when all of them hold as they stand; undefined when they do not, or not alone. */
  readonly prove: (sentences: readonly DraftSentence[]) => readonly Claim[] | undefined
  /** What followers have been told by an earlier draft of this run; undefined when nobody knows. */
  readonly told: string | undefined
}

const MAX_UNPROVEN = 3
const LIST_ITEM = /^(?:\(?\d{1,3}[.)]|[-*•]) /

/**
 * Stands between a model that is writing and the people who are reading. Sentences come out as the answer will hold them, with
 * their `[n]`: composed by the same function from the same claims, so that what is released is how the answer begins. After a
 * sentence that cannot be proven nothing more is released; the verdict on the whole draft decides.
 */
export function createStreamGate({ passages, verify, prove, told }: GateOptions) {
  let reader = createDraftReader()
  let claims: Claim[] = []
  let unproven: DraftSentence[] = []
  let blocked = false
  /** Of the claims so far. */
  let base = ''
  let shown = told

  /** Releases what `text` adds to what was shown, or takes that back if it is another text. */
  const show = (text: string): Release[] => {
    if (shown?.startsWith(text) && text !== '') return []
    if (shown !== undefined && text.startsWith(shown)) {
      const added = text.slice(shown.length)
      shown = text
      return added === '' ? [] : [{ kind: 'text', text: added }]
    }
    shown = text
    return [{ kind: 'restart' }, { kind: 'text', text }]
  }
  const composed = () => {
    base = claims.length === 0 ? '' : composeAnswer(claims, passages, { confidence: 0, followUps: [], by: 'model' }).text
    return base
  }

  const takeSentence = (sentence: DraftSentence): Release[] => {
    unproven.push(sentence)
    const proven = prove(unproven)
    if (!proven && verify === 'before') {
      blocked = unproven.length > MAX_UNPROVEN
      return []
    }
    claims.push(...(proven ?? unproven.map(asItStands)))
    unproven = []
    return show(composed())
  }
  const takePartial = (): Release[] => {
    // What is in brackets may be a placeholder or a marker: it waits for its end.
    const partial = reader.partial().split('[', 1)[0]!.trimStart().trimEnd()
    if (partial.length < 4) return []
    const separator = base === '' ? '' : LIST_ITEM.test(partial) ? '\n' : ' '
    return show(`${base}${separator}${partial}`)
  }

  return {
    /** @param piece of the draft's JSON, as it comes */
    take(piece: string): Release[] {
      const sentences = reader.take(piece)
      if (blocked || !reader.answerable()) return []
      const released = sentences.flatMap((sentence) => (blocked ? [] : takeSentence(sentence)))
      return verify === 'after' ? [...released, ...takePartial()] : released
    },
    /** The draft is void and another one begins; what was shown stays until the new one says something else. */
    startOver(): void {
      reader = createDraftReader()
      claims = []
      base = ''
      unproven = []
      blocked = false
    },
    /** Takes back what was shown, if anything may have been. */
    retract(): Release[] {
      const release: Release[] = shown === '' ? [] : [{ kind: 'restart' }]
      shown = ''
      return release
    },
    /** What followers have been told so far, still masked. */
    shown: () => shown,
  }
}

/** In mode "after" also a sentence that does not hold is shown; its source is not, for there is none. */
const asItStands = ({ text, citations }: DraftSentence): Claim => ({
  text: withoutMarkers(text),
  supported: true,
  score: 0,
  citations,
  reason: '',
  kind: 'claim',
})
