import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { ModelDraft } from '#shared/domain/draft.ts'
import { type Failure, retryable, StepFailure } from '#shared/domain/failure.ts'
import type { Llm, LlmDelta, LlmRequest } from '#shared/ports/llm.ts'
import type { Fault } from '#test/simulator/faults.ts'

export type LlmUnderTest = {
  readonly llm: Llm
  /** Makes the next call meet the fault. */
  readonly strike: (fault: Fault, retryAfterSeconds?: number) => void
  /** Takes back what has not struck yet. */
  readonly calm: () => void
  readonly close: () => Promise<void>
}
export type LlmContractOptions = {
  /** The faults that the counterpart can show. */
  readonly faults: readonly Fault[]
  /** A reply arrives in pieces. */
  readonly streams: boolean
}

const PROMPT = { id: 'answer', version: 1, hash: 'abc' }
const CALL = { tenantId: 'default', runId: 'run_1', step: 'generate', visit: 1 }

export const REFUND_SENTENCE = 'Refunds for unopened sensors are paid within 14 days of the return.'
export const draftRequest = (over: Partial<LlmRequest<ModelDraft>> = {}): LlmRequest<ModelDraft> => ({
  task: 'generate',
  tier: 'standard',
  prompt: PROMPT,
  system: 'Answer from the passages only and cite them. Reply in JSON.',
  messages: [
    {
      role: 'user',
      content: `<passage n="1" title="Shipping">Parcels leave our warehouse every weekday at noon.</passage>
<passage n="2" title="Returns">${REFUND_SENTENCE} Opened sensors cannot be returned.</passage>
<question>When are refunds for unopened sensors paid?</question>`,
    },
  ],
  schema: { name: 'draft', type: ModelDraft },
  maxOutputTokens: 500,
  call: CALL,
  ...over,
})
const Intent = z.object({ intent: z.enum(['billing_question', 'refund_request', 'other']), confidence: z.number().min(0).max(1) })
export const intentRequest = (): LlmRequest<z.infer<typeof Intent>> => ({
  ...draftRequest(),
  task: 'classify',
  tier: 'cheap',
  messages: [{ role: 'user', content: 'I want to request a refund.' }],
  schema: { name: 'intent', type: Intent },
})

const EXPECTED: Readonly<Partial<Record<Fault, Pick<Failure, 'kind' | 'code'>>>> = {
  hang: { kind: 'retryable', code: 'provider-stalled' },
  stall: { kind: 'retryable', code: 'provider-stalled' },
  broken_json: { kind: 'retryable', code: 'provider-bad-reply' },
  wrong_schema: { kind: 'retryable', code: 'provider-bad-reply' },
  empty_200: { kind: 'retryable', code: 'provider-bad-reply' },
  empty_choices: { kind: 'retryable', code: 'provider-bad-reply' },
  no_usage: { kind: 'retryable', code: 'provider-bad-reply' },
  cut_off: { kind: 'retryable', code: 'provider-cut-off' },
  refusal: { kind: 'needs-person', code: 'provider-refused' },
  content_filter: { kind: 'needs-person', code: 'provider-refused' },
  '429': { kind: 'retryable', code: 'provider-rate-limited' },
  '500': { kind: 'retryable', code: 'provider-unavailable' },
  '529': { kind: 'retryable', code: 'provider-unavailable' },
}

export async function failureFrom(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof StepFailure)) throw error
  return error.failure
}
const never = () => new AbortController().signal

/** What every language model adapter promises, whatever the other side does. */
export function llmContract(name: string, start: () => Promise<LlmUnderTest>, { faults, streams }: LlmContractOptions) {
  describe(name, () => {
    let under: LlmUnderTest
    beforeAll(async () => {
      under = await start()
    })
    afterAll(async () => {
      await under.close()
    })

    it('resolves with a reply that fits the schema, its text, its usage and its cost', async () => {
      const reply = await under.llm.generate(draftRequest(), { signal: never() })
      expect(reply.value).toEqual(ModelDraft.parse(JSON.parse(reply.text)))
      expect(reply.value.sentences).toContainEqual({ text: REFUND_SENTENCE, citations: [2] })
      expect(reply.usage.inputTokens).toBeGreaterThan(0)
      expect(reply.usage.outputTokens).toBeGreaterThan(0)
      expect(reply.fromJournal).toBe(false)
    })

    it('tells the text as it arrives, which adds up to the reply', async () => {
      const deltas: LlmDelta[] = []
      const reply = await under.llm.generate(draftRequest(), { signal: never(), onDelta: (delta) => deltas.push(delta) })
      const texts = deltas.map((delta) => (delta.kind === 'text' ? delta.text : '(restart)'))
      expect(texts.join('')).toBe(reply.text)
      expect(texts.length).toBeGreaterThanOrEqual(streams ? 2 : 1)
    })

    it('asks for another shape when another schema is wanted', async () => {
      const reply = await under.llm.generate(intentRequest(), { signal: never() })
      expect(reply.value.intent).toBe('refund_request')
    })

    for (const fault of faults.filter((known) => known in EXPECTED)) {
      const expected = EXPECTED[fault]!
      it(`turns ${fault} into ${expected.kind} ${expected.code}`, async () => {
        under.strike(fault)
        expect(await failureFrom(under.llm.generate(draftRequest(), { signal: never() }))).toMatchObject(expected)
      })
    }

    if (faults.includes('half'))
      it('never takes half a reply for a whole one', async () => {
        under.strike('half')
        const failure = await failureFrom(under.llm.generate(draftRequest(), { signal: never() }))
        expect(failure).toMatchObject({ kind: 'retryable', code: streams ? 'provider-truncated' : 'provider-bad-reply' })
      })

    if (faults.includes('drop'))
      it('takes a broken socket for a passing failure', async () => {
        under.strike('drop')
        const failure = await failureFrom(under.llm.generate(draftRequest(), { signal: never() }))
        expect(failure).toMatchObject({ kind: 'retryable', code: streams ? 'provider-truncated' : 'provider-unavailable' })
      })

    if (faults.includes('slow'))
      it('waits for a slow reply that keeps arriving', async () => {
        under.strike('slow')
        const reply = await under.llm.generate(intentRequest(), { signal: never() })
        expect(reply.value.intent).toBe('refund_request')
      })

    if (faults.includes('thinking'))
      it('waits for a model that thinks, as long as the line shows signs of life', async () => {
        under.strike('thinking')
        const reply = await under.llm.generate(intentRequest(), { signal: never() })
        expect(reply.value.intent).toBe('refund_request')
      })

    if (faults.includes('429'))
      it('passes on how long a rate limit asks to wait, up to a minute', async () => {
        under.strike('429', 7)
        expect((await failureFrom(under.llm.generate(draftRequest(), { signal: never() }))).retryAfterMs).toBe(7_000)
        under.strike('429', 86_400)
        expect((await failureFrom(under.llm.generate(draftRequest(), { signal: never() }))).retryAfterMs).toBe(60_000)
      })

    it('rethrows the reason of an abort in the middle of a reply', async () => {
      if (!streams) under.strike('hang')
      const controller = new AbortController()
      // A failure like our own: it must come back as it is, not as one of the provider's.
      const reason = retryable('deadline', 'the step took too long')
      const work = under.llm.generate(draftRequest(), {
        signal: controller.signal,
        onDelta: () => controller.abort(reason),
      })
      if (!streams) controller.abort(reason)
      await expect(work).rejects.toBe(reason)
      under.calm()
    })

    it('does not begin when the signal is aborted already', async () => {
      const reason = new Error('too late')
      await expect(under.llm.generate(draftRequest(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    })

    it('works again after all that and says so', async () => {
      expect((await under.llm.generate(intentRequest(), { signal: never() })).value.intent).toBe('refund_request')
      expect((await under.llm.ready()).ok).toBe(true)
    })
  })
}
