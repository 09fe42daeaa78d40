import { describe, expect, it, vi } from 'vitest'
import { createFailedCalls } from '#shared/adapters/models/failed-calls.ts'
import { createJournaledLlm } from '#shared/adapters/models/llm.journaled.ts'
import { ProviderFailure } from '#shared/adapters/models/provider-failure.ts'
import { requestHash } from '#shared/adapters/models/request-hash.ts'
import { retryable } from '#shared/domain/failure.ts'
import { NO_USAGE } from '#shared/domain/usage.ts'
import type { Llm, LlmDelta } from '#shared/ports/llm.ts'
import { draftRequest, failureFrom } from '#test/contracts/llm.contract.ts'
import { createMemoryJournal } from '#test/fakes/journal.memory.ts'
import { createScriptedLlm, type ScriptedTurn } from '#test/fakes/llm.scripted.ts'

const DRAFT = '{"answerable":false,"sentences":[],"followUps":[]}'
const clock = { now: () => new Date('2026-11-21T10:00:00Z'), random: () => 0 }
const signal = new AbortController().signal
const bill = { provider: 'openai', model: 'gpt-6-luna', usage: { ...NO_USAGE, inputTokens: 9 }, costUsd: 0.5 }
const broken = () => new ProviderFailure(retryable('provider-bad-reply', 'not JSON').failure, bill)

function journaled(...turns: ScriptedTurn[]) {
  const journal = createMemoryJournal()
  const inner = createScriptedLlm(turns)
  return { journal, inner, llm: createJournaledLlm(inner, { journal, clock }) }
}

describe('the journaled model', () => {
  it('asks once and answers the repeat from the journal, with the same value and the text at once', async () => {
    const { llm, inner, journal } = journaled(DRAFT)
    const first = await llm.generate(draftRequest(), { signal })
    const deltas: LlmDelta[] = []
    const second = await llm.generate(draftRequest(), { signal, onDelta: (delta) => deltas.push(delta) })
    expect(inner.requests).toHaveLength(1)
    expect(first.fromJournal).toBe(false)
    expect(second).toEqual({ ...first, fromJournal: true })
    expect(deltas).toEqual([{ kind: 'text', text: DRAFT }])
    expect(journal.entries).toHaveLength(1)
  })

  it('does not look up a first try, but answers its repeat, and whatever may have been asked before, from the journal', async () => {
    const { llm, inner, journal } = journaled(DRAFT)
    const find = vi.spyOn(journal, 'find')
    const firstTry = draftRequest({ call: { ...draftRequest().call, firstTry: true } })
    await llm.generate(firstTry, { signal })
    expect(find).not.toHaveBeenCalled()
    expect((await llm.generate({ ...firstTry }, { signal })).fromJournal).toBe(true)
    expect((await llm.generate(draftRequest(), { signal })).fromJournal).toBe(true)
    expect(inner.requests).toHaveLength(1)
    expect(find).toHaveBeenCalledTimes(2)
  })

  it('does not wait for its journal where the step does, and tells the step when that failed', async () => {
    const { llm, inner, journal } = journaled(DRAFT)
    const slow = Promise.withResolvers<void>()
    const record = vi.spyOn(journal, 'record').mockImplementationOnce(() => slow.promise)
    const settling: Promise<void>[] = []
    const settle = (writing: Promise<void>) => void settling.push(writing)
    const request = draftRequest({ call: { ...draftRequest().call, firstTry: true, settle } })
    expect((await llm.generate(request, { signal })).fromJournal).toBe(false)
    // Asked again before it is written: it waits, so that nothing is paid twice.
    const again = llm.generate({ ...request }, { signal }).catch((error: unknown) => error)
    slow.reject(new Error('no space left on device'))
    await expect(settling[0]).rejects.toMatchObject({ failure: { code: 'journal-unavailable' } })
    expect(await again).toMatchObject({ failure: { code: 'journal-unavailable' } })
    expect([inner.requests.length, record.mock.calls.length]).toEqual([1, 1])
  })

  it('passes on whom routing had passed over', async () => {
    const passedOver = [{ provider: 'openai', code: 'provider-unavailable' }]
    const scripted = createScriptedLlm([DRAFT])
    const inner: Llm = {
      generate: async (request, options) => ({ ...(await scripted.generate(request, options)), passedOver }),
      ready: scripted.ready,
    }
    const reply = await createJournaledLlm(inner, { journal: createMemoryJournal(), clock }).generate(draftRequest(), { signal })
    expect(reply.passedOver).toEqual(passedOver)
  })

  it('records whose call it was, what it asked with, and what it cost', async () => {
    const { llm, journal } = journaled(DRAFT)
    const request = draftRequest({ call: { tenantId: 't1', runId: 'run_9', step: 'generate', visit: 2, customerId: 'c7' } })
    await llm.generate(request, { signal })
    expect(journal.entries[0]).toMatchObject({
      key: { tenantId: 't1', runId: 'run_9', step: 'generate', visit: 2, requestHash: requestHash(request) },
      task: 'generate',
      tier: 'standard',
      prompt: { id: 'answer', version: 1, hash: 'abc' },
      customerId: 'c7',
      provider: 'scripted',
      costUsd: 0.01,
      startedAt: clock.now(),
      result: { kind: 'reply', text: DRAFT },
    })
  })

  it('asks again for another tenant, run, step, visit or request', async () => {
    const { llm, inner } = journaled(DRAFT)
    const { call } = draftRequest()
    const others = [
      draftRequest(),
      draftRequest({ call: { ...call, tenantId: 'other' } }),
      draftRequest({ call: { ...call, runId: 'run_2' } }),
      draftRequest({ call: { ...call, step: 'verify' } }),
      draftRequest({ call: { ...call, visit: 2 } }),
      draftRequest({ system: 'Another system prompt' }),
    ]
    for (const request of others) expect((await llm.generate(request, { signal })).fromJournal).toBe(false)
    expect(inner.requests).toHaveLength(others.length)
  })

  it('keeps a failed call for the trace and the bill, and never takes it for an answer', async () => {
    const { llm, journal, inner } = journaled(broken(), DRAFT)
    expect(await failureFrom(llm.generate(draftRequest(), { signal }))).toMatchObject({ code: 'provider-bad-reply' })
    expect(journal.entries).toMatchObject([{ ...bill, result: { kind: 'failed', failure: { code: 'provider-bad-reply' } } }])
    expect((await llm.generate(draftRequest(), { signal })).fromJournal).toBe(false)
    expect(inner.requests).toHaveLength(2)
  })

  it('records one failure once, however many layers hand it in', async () => {
    const journal = createMemoryJournal()
    const failedCalls = createFailedCalls(journal, clock)
    const failure = broken()
    await failedCalls.record(draftRequest(), failure, clock.now())
    const llm = createJournaledLlm(createScriptedLlm([failure]), { journal, clock, failedCalls })
    await failureFrom(llm.generate(draftRequest(), { signal }))
    expect(journal.entries).toHaveLength(1)
  })

  it('lets identical calls at the same time share one, each hearing all of the text', async () => {
    const held = Promise.withResolvers<string>()
    const { llm, inner, journal } = journaled((_request, { onDelta }) => {
      onDelta?.({ kind: 'text', text: '(begun)' })
      return held.promise
    })
    const heard: string[][] = [[], []]
    const ask = (listener: number) =>
      llm.generate(draftRequest(), {
        signal,
        onDelta: (delta) => heard[listener]!.push(delta.kind === 'text' ? delta.text : 'restart'),
      })
    const first = ask(0)
    while (heard[0]!.length === 0) await Promise.resolve()
    const second = ask(1)
    held.resolve(DRAFT)
    const [one, two] = await Promise.all([first, second])
    expect(inner.requests).toHaveLength(1)
    expect(journal.entries).toHaveLength(1)
    expect(two).toEqual({ ...one, fromJournal: true })
    expect(heard).toEqual([
      ['(begun)', DRAFT],
      ['(begun)', DRAFT],
    ])
  })

  it('goes on for the others when one caller leaves, and stops when the last one has left', async () => {
    const signals: AbortSignal[] = []
    const held = Promise.withResolvers<string>()
    const { llm, inner } = journaled((_request, options) => {
      signals.push(options.signal)
      return held.promise
    }, DRAFT)
    const [one, two] = [new AbortController(), new AbortController()]
    const first = llm.generate(draftRequest(), { signal: one.signal })
    const second = llm.generate(draftRequest(), { signal: two.signal })
    while (signals.length === 0) await Promise.resolve()
    one.abort(new Error('first left'))
    await expect(first).rejects.toThrow('first left')
    expect(signals[0]!.aborted).toBe(false)
    two.abort(new Error('second left'))
    await expect(second).rejects.toThrow('second left')
    expect(signals[0]!.aborted).toBe(true)
    // Nobody inherits the abandoned call: whoever comes next asks anew.
    expect((await llm.generate(draftRequest(), { signal })).text).toBe(DRAFT)
    expect(inner.requests).toHaveLength(2)
  })

  it('asks again when the recorded reply no longer fits the schema', async () => {
    const { llm, inner, journal } = journaled(DRAFT)
    await llm.generate(draftRequest(), { signal })
    await journal.record({ ...journal.entries[0]!, result: { kind: 'reply', text: '{"old":"shape"}' } })
    expect((await llm.generate(draftRequest(), { signal })).fromJournal).toBe(false)
    expect(inner.requests).toHaveLength(2)
  })

  it('takes a journal that does not answer for a failure worth a repeat, and calls no model without it', async () => {
    const inner = createScriptedLlm([DRAFT])
    const down = async () => {
      throw new Error('connection refused')
    }
    const llm = createJournaledLlm(inner, { journal: { find: down, record: down }, clock })
    expect(await failureFrom(llm.generate(draftRequest(), { signal }))).toMatchObject({
      kind: 'retryable',
      code: 'journal-unavailable',
    })
    expect(inner.requests).toHaveLength(0)
  })
})

describe('the hash of a request', () => {
  it('does not depend on the order of members or on whose call it is', () => {
    const request = draftRequest()
    const shuffled = { ...Object.fromEntries(Object.entries(request).reverse()) } as typeof request
    expect(requestHash(shuffled)).toBe(requestHash(request))
    expect(requestHash({ ...request, call: { ...request.call, runId: 'run_2' } })).toBe(requestHash(request))
  })

  it('changes with everything that can change the reply', () => {
    const request = draftRequest()
    const variants = [
      { ...request, system: `${request.system} ` },
      { ...request, messages: [...request.messages, { role: 'assistant' as const, content: 'so' }] },
      { ...request, schema: { ...request.schema, name: 'draft2' } },
      { ...request, tier: 'cheap' as const },
      { ...request, maxOutputTokens: 501 },
      { ...request, prompt: { ...request.prompt, version: 2 } },
    ]
    expect(new Set([request, ...variants].map((variant) => requestHash(variant))).size).toBe(variants.length + 1)
  })
})
