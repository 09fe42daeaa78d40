import { describe, expect, test } from 'vitest'
import type { StreamedEvent } from '#shared/domain/event.ts'
import type { Llm, LlmDelta } from '#shared/ports/llm.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'
import {
  sampleDraft,
  samplePassage,
  samplePassages,
  sampleScreened,
  sampleTenant,
  sampleTicket,
  sampleTriage,
} from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { memoryTokenStream } from '#test/fakes/token-stream.memory.ts'
import { toldLive } from '#workers/live-draft.ts'
import { judgeDraft } from '#workers/logic/judge-draft.ts'
import { loadPrompts } from '#workers/prompts.ts'
import type { Deps } from '#workers/step.ts'
import { generate } from '#workers/steps/generate.ts'

const TEXT = 'You can return a product within 14 days of delivery. Refunds take five working days. Labels are free of charge.'
const passages = samplePassages({ passages: [samplePassage({ text: TEXT, end: TEXT.length })] })
const [DAYS, REFUND, LABEL] = [
  'You can return a product within 14 days of delivery.',
  'Refunds take five working days.',
  'Labels are free of charge.',
]
const FALSE = 'You can return a product within 90 days of delivery.'
const draftOf = (...sentences: string[]) =>
  JSON.stringify({ answerable: true, sentences: sentences.map((text) => ({ text, citations: [1] })), followUps: [] })

/** A model that writes what it is told, in pieces of `size`. */
const writes = (script: readonly (LlmDelta | string)[], last: string, size = 7): Llm => ({
  async generate(request, options) {
    for (const part of [...script, last]) {
      if (typeof part !== 'string') options.onDelta?.(part)
      else for (let at = 0; at < part.length; at += size) options.onDelta?.({ kind: 'text', text: part.slice(at, at + size) })
    }
    return createScriptedLlm([last]).generate(request, { signal: options.signal })
  },
  ready: async () => ({ ok: true, detail: '' }),
})

async function live(llm: Llm, { verify = 'before' as 'before' | 'after', facts = {}, context = {} } = {}) {
  const stream = memoryTokenStream()
  const all = { ticket: sampleTicket(), screened: sampleScreened(), triage: sampleTriage(), passages, ...facts }
  const own = stepContext({ seq: 4, tenant: sampleTenant({ streaming: { verify } }), ...context })
  const deps = {
    llm,
    prompts: loadPrompts(),
    stream,
    modelAvailable: true,
    examples: { list: async () => [] },
  } as unknown as Deps
  const result = await toldLive(generate)(all as never, deps, own).catch((error: Error) => error)
  await stream.append('acme', 'tkt_1', [{ id: '9-0', event: 'done', data: {} }])
  const told: StreamedEvent[] = []
  for await (const event of stream.follow('acme', 'tkt_1', undefined, AbortSignal.timeout(5_000))) told.push(event)
  told.pop()
  const pieces = told.map(({ event, data }) => (event === 'restart' ? '<restart>' : String(data['text'])))
  return { result, told, pieces, released: result instanceof Error ? undefined : result.facts.draft.released }
}
const textOf = (pieces: readonly string[]) => pieces.join('').split('<restart>').at(-1)

describe('before the proof of the whole', () => {
  test('sentences come one by one, each proven, and are how the delivered answer begins', async () => {
    const { pieces, released, told } = await live(writes([], draftOf(DAYS, REFUND, LABEL)))
    expect(pieces[0]).toBe(`${DAYS} [1]`)
    expect(textOf(pieces)).toBe(`${DAYS} [1] ${REFUND} [2] ${LABEL} [3]`)
    expect(told.map(({ id }) => id)).toEqual(told.map((_, i) => `4-${1_000 + i}`))
    const judgement = judgeDraft({
      draft: { ...sampleDraft(), sentences: [DAYS, REFUND, LABEL].map((text) => ({ text, citations: [1] })) },
      passages,
      screened: sampleScreened(),
      visit: 1,
      canaries: [],
    })
    expect(judgement.outcome === 'faithful' && judgement.answer.text).toBe(released)
  })

  test('nothing is released from the first sentence on that cannot be proven', async () => {
    const { pieces, released } = await live(writes([], draftOf(DAYS, FALSE, LABEL)))
    expect(textOf(pieces)).toBe(`${DAYS} [1]`)
    expect(released).toBe(`${DAYS} [1]`)
    expect((await live(writes([], draftOf(FALSE, DAYS)))).pieces).toEqual([])
  })

  test('personal data is in its place again for its owner, and stays masked in the facts', async () => {
    const source = 'We write to the address of your account within 14 days.'
    const facts = {
      passages: samplePassages({ passages: [samplePassage({ text: source, end: source.length })] }),
      screened: sampleScreened({ placeholders: [{ token: '[EMAIL_1]', type: 'EMAIL', value: 'ada@example.org' }] }),
    }
    const { pieces, released } = await live(
      writes([], draftOf('We write to the address of your account [EMAIL_1] within 14 days.')),
      { facts },
    )
    expect(pieces.join('')).toContain('ada@example.org')
    expect(released).toContain('[EMAIL_1]')
  })

  test('a model that dies midway and another that says the same go unnoticed; one that says something else is announced', async () => {
    const half = draftOf(DAYS, REFUND).slice(0, 150)
    const restart = { kind: 'restart', reason: 'gone' } as const
    expect((await live(writes([half, restart], draftOf(DAYS, LABEL)))).pieces.join('|')).not.toContain('<restart>')
    const other = await live(writes([half, restart], draftOf(LABEL, REFUND)))
    expect(other.pieces).toContain('<restart>')
    expect(textOf(other.pieces)).toBe(`${LABEL} [1] ${REFUND} [2]`)
  })

  test('a failure takes back what was shown; a repeat begins with a clean slate', async () => {
    const dying: Llm = {
      ...writes([], ''),
      async generate(_request, options) {
        options.onDelta?.({ kind: 'text', text: draftOf(DAYS, REFUND) })
        throw new Error('gone')
      },
    }
    const { result, pieces } = await live(dying)
    expect(result).toBeInstanceOf(Error)
    expect(pieces.at(-1)).toBe('<restart>')
    expect((await live(writes([], draftOf(DAYS)), { context: { attempt: 2, seq: 5 } })).pieces).toEqual([
      '<restart>',
      `${DAYS} [1]`,
    ])
  })

  test('a repair goes on where the first draft was right, and takes back where it was not', async () => {
    const earlier = { draft: sampleDraft({ released: `${DAYS} [1]` }) }
    const again = { facts: earlier, context: { visit: 2, seq: 6 } }
    expect((await live(writes([], draftOf(DAYS, REFUND)), again)).pieces).toEqual([` ${REFUND} [2]`])
    expect((await live(writes([], draftOf(LABEL)), again)).pieces).toEqual(['<restart>', `${LABEL} [1]`])
  })
})

test('in mode "after" words come as they are written, and end as the answer has them', async () => {
  const { pieces, released } = await live(writes([], draftOf(DAYS, REFUND), 3), { verify: 'after' })
  expect(pieces[0]!.length).toBeLessThan(DAYS.length / 2)
  expect(pieces.join('')).toBe(`${DAYS} [1] ${REFUND} [2]`)
  expect(released).toBe(`${DAYS} [1] ${REFUND} [2]`)
  expect(textOf((await live(writes([], draftOf(DAYS, FALSE)), { verify: 'after' })).pieces)).toContain('90 days')
})

test('a draft that declines releases nothing, and nobody is told live of an offline run', async () => {
  const declines = JSON.stringify({ answerable: false, sentences: [{ text: DAYS, citations: [1] }], followUps: [] })
  expect((await live(writes([], declines))).pieces).toEqual([])
  expect((await live(writes([], draftOf(DAYS)), { context: { lane: 'offline' } })).pieces).toEqual([])
})
