import { liveEventId } from '#pipelines/ticket-events.ts'
import type { DraftSentence } from '#shared/domain/draft.ts'
import type { Passages } from '#shared/domain/passage.ts'
import type { Screened } from '#shared/domain/screened.ts'
import type { Claim } from '#shared/domain/verdict.ts'
import type { Llm, LlmDelta } from '#shared/ports/llm.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'
import { judgeDraft } from './logic/judge-draft.ts'
import { restorePii } from './logic/mask-pii.ts'
import { promptFence } from './logic/prompt-fence.ts'
import { createStreamGate, type Release } from './logic/stream-gate.ts'
import type { Deps, Step, StepContext } from './step.ts'

type Generate = Step<'support-ticket', 'generate', keyof Deps>
type Deliver = Step<'support-ticket', 'deliver', keyof Deps>
type Escalate = Step<'support-ticket', 'escalate', keyof Deps>

/** Text that arises faster than this travels together: every release costs us, Redis, the API and its reader an event. */
const GATHER_MS = 100

/**
 * `generate`, with followers: what the model writes is released to the ticket's stream by the rules of the tenant while it is
 * being written. The step itself knows nothing of it. How much was released goes into the draft, so that whoever writes the
 * answer knows what has to be taken back. Nobody waits for an offline run.
 */
export const toldLive =
  (generate: Generate): Generate =>
  async (facts, deps, context) => {
    if (context.lane === 'offline') return generate(facts, deps, context)
    const { draft: earlier, passages, screened } = facts
    const first = context.attempt === 1 && context.visit === 1 && context.seq <= FIRST_SEQ
    const told = first ? '' : context.attempt === 1 ? earlier?.released : undefined
    const { verify } = context.tenant.config.streaming
    const gate = createStreamGate({
      passages: passages.passages,
      verify,
      prove: (sentences) => provenClaims(sentences, passages, screened, context),
      told,
    })
    const teller = createTeller(deps.stream, context, (text) => restorePii(text, screened.placeholders))
    // What is shown as it is written is only looked at when it is told; a sentence that is to be proven is begun with at once.
    let heard = ''
    const release = (): readonly Release[] => {
      const piece = heard
      heard = ''
      return piece === '' ? [] : gate.take(piece)
    }
    const startOver = () => {
      heard = ''
      gate.startOver()
    }
    const hear = (delta: LlmDelta) => {
      if (delta.kind === 'restart') return startOver()
      heard += delta.text
      if (verify === 'before') teller.tell(release())
      else teller.offer(release)
    }
    try {
      const result = await generate(facts, { ...deps, llm: overheard(deps.llm, hear, startOver) }, context)
      teller.tell(release())
      if (result.outcome !== 'drafted' || gate.shown() === undefined) teller.tell(gate.retract())
      return { ...result, facts: { draft: { ...result.facts.draft, released: gate.shown() ?? '' } } }
    } catch (error) {
      // The next attempt may be far away, and another draft.
      heard = ''
      if (gate.shown() !== told) teller.tell(gate.retract())
      throw error
    } finally {
      await teller.flush()
    }
  }

/** The seq at which a run comes to `generate` when nothing went wrong on its way; later ones may be repeats. */
const FIRST_SEQ = 4

/** Every call for a draft is heard; a second one (a better model, after a poor draft) begins anew. */
const overheard = (llm: Llm, hear: (delta: LlmDelta) => void, startOver: () => void): Llm => ({
  generate(request, options) {
    if (request.task !== 'generate') return llm.generate(request, options)
    startOver()
    const onDelta = (delta: LlmDelta) => {
      hear(delta)
      options.onDelta?.(delta)
    }
    return llm.generate(request, { ...options, onDelta })
  },
  ready: () => llm.ready(),
})

/** The same judgement that `verify` passes on the whole draft, on these sentences alone. */
function provenClaims(
  sentences: readonly DraftSentence[],
  passages: Passages,
  screened: Screened,
  { runId, visit, tenant }: StepContext,
): readonly Claim[] | undefined {
  const draft = { answerable: true, sentences: [...sentences], followUps: [], model: '', by: 'model' as const, prompt: NO_PROMPT }
  const canaries = Array.from({ length: visit }, (_, earlier) => promptFence(runId, earlier + 1))
  // As if there were another draft to come: then one unsupported sentence is enough to hold all of them.
  const { outcome, verdict } = judgeDraft({
    draft,
    passages,
    screened,
    visit: 1,
    canaries,
    run: runId,
    policy: { ...tenant.config.proof, onUnproven: 'repair' },
  })
  return outcome === 'faithful' ? verdict.claims : undefined
}
const NO_PROMPT = { id: '', version: 1, hash: '' }

/** Puts releases on the ticket's stream in order, gathered, and never in the way of the step: a follower is told again by the log. */
function createTeller(stream: TokenStream, context: StepContext, restore: (text: string) => string) {
  let text = ''
  let index = 0
  let timer: NodeJS.Timeout | undefined
  let offered: (() => readonly Release[]) | undefined
  let sent = Promise.resolve()
  let failed = false
  const append = (event: 'token' | 'restart', data: Record<string, unknown>) => {
    const id = liveEventId(context.seq, index++)
    const done = stream.append(context.tenant.id, context.subjectId, [{ id, event, data }]).catch((err) => {
      if (!failed) context.log.warn({ err }, 'the followers of this ticket are not told live')
      failed = true
    })
    sent = Promise.all([sent, done]).then(() => {})
  }
  const take = (releases: readonly Release[]) => {
    for (const release of releases) {
      if (release.kind === 'text') text += release.text
      else {
        text = ''
        append('restart', { reason: 'another text takes its place' })
      }
    }
  }
  const send = () => {
    clearTimeout(timer)
    timer = undefined
    take(offered?.() ?? [])
    offered = undefined
    if (text !== '') append('token', { text: restore(text) })
    text = ''
  }
  return {
    tell(releases: readonly Release[]): void {
      take(releases)
      if (text === '') return
      // The first words at once, the others together.
      if (index === 0) send()
      else timer ??= setTimeout(send, GATHER_MS)
    },
    /** There is more; it is asked for when the time has come to tell it. */
    offer(release: () => readonly Release[]): void {
      if (index > 0) {
        offered = release
        timer ??= setTimeout(send, GATHER_MS)
      } else this.tell(release())
    },
    flush(): Promise<void> {
      send()
      return sent
    },
  }
}

/** `deliver` says which part of its text followers have read already, or that what they read was another one. */
export const afterTold =
  (deliver: Deliver): Deliver =>
  async (facts, deps, context) => {
    const result = await deliver(facts, deps, context)
    const { receipt } = result.facts
    // A person's answer comes after `escalated`, with which everything before it was taken back.
    const released = facts.answer.by === 'person' || facts.answer.by === 'cache' ? '' : (facts.draft?.released ?? '')
    if (released === '') return result
    const read = restorePii(released, facts.screened?.placeholders ?? [])
    const goesOn = receipt.text.startsWith(read)
    return { ...result, facts: { receipt: { ...receipt, shown: { characters: goesOn ? read.length : 0, restart: !goesOn } } } }
  }

/** Whoever has read a part of a draft that nobody will finish is told so together with the handover. */
export const takingBack =
  (escalate: Escalate): Escalate =>
  async (facts, deps, context) => {
    const result = await escalate(facts, deps, context)
    if (!facts.draft?.released) return result
    return { ...result, facts: { ...result.facts, handover: { ...result.facts.handover, takesBack: true } } } as typeof result
  }
