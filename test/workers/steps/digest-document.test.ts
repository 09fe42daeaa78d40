import { describe, expect, test } from 'vitest'
import { createExtractiveLlm } from '#shared/adapters/models/llm.extractive.ts'
import { DigestSettings } from '#shared/domain/document-set.ts'
import { Parked, terminal } from '#shared/domain/failure.ts'
import type { IncomingDocument } from '#shared/ports/document-intake.ts'
import type { DigestItem } from '#shared/ports/document-set-store.ts'
import type { Llm } from '#shared/ports/llm.ts'
import type { NewRun } from '#shared/ports/run-log.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { memoryDigestItems } from '#test/fakes/digest-items.memory.ts'
import { MemoryDocumentStore } from '#test/fakes/document-store.memory.ts'
import { createScriptedLlm, type ScriptedTurn } from '#test/fakes/llm.scripted.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { memoryExtractor } from '#test/fakes/text-extractor.memory.ts'
import { loadPrompts } from '#workers/prompts.ts'
import type { Deps } from '#workers/step.ts'
import { collect } from '#workers/steps/collect.ts'
import { digest } from '#workers/steps/digest.ts'
import { prove } from '#workers/steps/prove.ts'
import { read } from '#workers/steps/read.ts'

const prompts = loadPrompts()
const TEXT = `# Hub

The hub turns amber after 12 seconds. Hold the button for 10 seconds to reset the hub.

## Warranty

The warranty of the Hub 2 lasts 3 years and ends when the hub is opened. It costs $49 to extend it.`

const given = { item: { setId: 'set_1', position: 0 } }
type World = {
  settings: unknown
  text?: string
  item?: Partial<DigestItem>
  turns?: readonly ScriptedTurn[]
  llm?: Llm
  modelAvailable?: boolean
}

function world({ settings, text = TEXT, item = {}, turns = ['{}'], llm: other, modelAvailable = true }: World) {
  const items = memoryDigestItems()
  const scripted = createScriptedLlm(turns)
  const documents = new MemoryDocumentStore()
  const taken: { document: IncomingDocument; run: NewRun }[] = []
  const intake = {
    accept: async (document: IncomingDocument, run: NewRun) => {
      taken.push({ document, run })
      return { kind: 'queued' as const }
    },
  }
  const inline = { text, title: 'Hub', audience: 'public' as const }
  items.put('run_1', { setId: 'set_1', position: 0, documentId: null, inline, settings: DigestSettings.parse(settings), ...item })
  const deps = {
    digestItems: items,
    documents,
    extractor: memoryExtractor(),
    llm: other ?? scripted,
    prompts,
    modelAvailable,
    intake,
  } as unknown as Deps
  const context = stepContext({ subjectId: 'kb-1' })
  return { items, documents, scripted, taken, deps, context }
}
/** Step by step, as the engine would, to where the item ends. */
async function through(options: World) {
  const one = world(options)
  const outcomes: string[] = []
  for (const [step, next] of [
    [read, 'parsed'],
    [digest, 'digested'],
    [prove, 'proven'],
    [collect, 'collected'],
  ] as const) {
    const { outcome } = await step(given, one.deps, one.context)
    outcomes.push(outcome)
    if (outcome !== next) break
  }
  return { ...one, outcomes, row: one.items.row('run_1') }
}
const says = (value: unknown) => JSON.stringify(value)
const DONE = ['parsed', 'digested', 'proven', 'collected']

describe('summarise', () => {
  const settings = { task: 'summarise', maxSentences: 3 }
  test('keeps the sentences that the document carries, with quotations, and cuts what it does not say', async () => {
    const sentences = [
      { text: 'Hold the button for 10 seconds to reset the hub.', citations: [1] },
      { text: 'The warranty of the Hub 2 lasts 5 years.', citations: [1] },
    ]
    const { outcomes, row, scripted } = await through({ settings, turns: [says({ answerable: true, sentences })] })
    expect(outcomes).toEqual(DONE)
    expect(row).toMatchObject({
      state: 'done',
      result: { task: 'summarise', by: 'model', text: 'Hold the button for 10 seconds to reset the hub. [1]' },
    })
    const { result } = row as { result: { citations: { quote: string }[]; cut: { text: string; reason: string }[] } }
    expect(result.citations[0]!.quote).toContain('Hold the button for 10 seconds')
    expect(result.cut).toMatchObject([
      { text: 'The warranty of the Hub 2 lasts 5 years.', reason: expect.stringMatching(/5 years/) },
    ])
    expect(scripted.requests[0]!.messages[0]!.content).toContain('<passage n="1"')
  })

  test('fails, saying why, when nothing of it stands in the document', async () => {
    const sentences = [{ text: 'Bananas are rich in potassium and grow in Ecuador.', citations: [1] }]
    const { outcomes, row } = await through({ settings, turns: [says({ answerable: true, sentences })] })
    expect(outcomes).toEqual(['parsed', 'digested', 'unproven'])
    expect(row).toMatchObject({ state: 'failed', failure: { code: 'nothing-supported' } })
  })

  test('quotes without a model, and says that one is required where quoting will not do', async () => {
    const llm = createExtractiveLlm({ clock: steadyClock() })
    const text = 'How to reset the hub: hold the button of the hub for 10 seconds to reset the hub.'
    const quoted = await through({
      settings,
      llm,
      modelAvailable: false,
      item: { inline: { text, title: 'Reset the hub', audience: 'public' } },
    })
    expect(quoted.row).toMatchObject({
      state: 'done',
      result: { by: 'extractive', text: expect.stringContaining('hold the button') },
    })
    for (const other of [
      { task: 'classify', labels: ['a', 'b'] },
      { task: 'extract', schema: { type: 'object', properties: { a: { type: 'string' } } } },
      { task: 'faq' },
      { task: 'contextualise' },
    ]) {
      const { outcomes, row } = await through({ settings: other, llm, modelAvailable: false })
      expect(outcomes).toEqual(['parsed', 'rejected'])
      expect(row.failure?.code).toBe('model-required')
    }
  })

  test('reads a long document part by part, asks for all parts before it parks, and joins what comes back', async () => {
    const text = Array.from(
      { length: 60 },
      (_, i) => `## Part ${i}\n\n${`Lamp ${i} glows for ${i + 5} minutes in the hall number ${i}. `.repeat(75)}`,
    ).join('\n\n')
    const parked = world({ settings, text, turns: [new Parked(new Date(0), 'waits')] })
    await read(given, parked.deps, parked.context)
    await expect(digest(given, parked.deps, parked.context)).rejects.toBeInstanceOf(Parked)
    expect(parked.scripted.requests.length).toBeGreaterThan(2)
    const turn: ScriptedTurn = async ({ messages }) => {
      const [, n, words] = /<passage n="(\d+)"[^>]*>\n(?:## [^\n]*\n\n)?([^.]+\.)/.exec(messages[0]!.content)!
      return says({ answerable: true, sentences: [{ text: words, citations: [Number(n)] }] })
    }
    const { outcomes, row } = await through({ settings, text, turns: [turn] })
    expect(outcomes).toEqual(DONE)
    const { claims } = (row as unknown as { result: { claims: unknown[] } }).result
    expect(claims).toHaveLength(parked.scripted.requests.length)
  }, 30_000)

  test('refuses a book', async () => {
    const text = 'A sentence of a very long book about lamps. '.repeat(40_000)
    const { outcomes, row, scripted } = await through({ settings, text })
    expect(outcomes).toEqual(['rejected'])
    expect(row.failure?.code).toBe('document-too-long')
    expect(scripted.requests).toEqual([])
  }, 30_000)
})

describe('classify', () => {
  const settings = { task: 'classify', labels: ['manual', 'contract'] }
  test('gives the label with the words that speak for it, and says when those stand nowhere', async () => {
    const quote = 'Hold the button for 10 seconds to reset the hub.'
    const { row } = await through({ settings, turns: [says({ label: 'manual', quote })] })
    expect(row.result).toMatchObject({ task: 'classify', label: 'manual', quote, supported: true })
    const invented = await through({ settings, turns: [says({ label: 'contract', quote: 'The parties agree.' })] })
    expect(invented.row.result).toMatchObject({ label: 'contract', quote: null, supported: false })
  })
})

describe('extract', () => {
  const schema = {
    type: 'object',
    properties: {
      product: { type: 'string' },
      years: { type: 'integer' },
      price: { type: ['number', 'null'] },
      kind: { enum: ['device', 'service'] },
      resettable: { type: 'boolean' },
      parts: { type: 'array', items: { $ref: '#/$defs/part' } },
      owner: { type: 'string' },
    },
    required: ['product', 'years', 'price', 'kind'],
    $defs: { part: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } },
  }
  const settings = { task: 'extract', schema }
  const reply = {
    product: 'Hub 2',
    years: 3,
    price: 49,
    kind: 'device',
    resettable: true,
    parts: [{ name: 'button' }],
    owner: null,
  }

  test('keeps what stands in the document and names what is judgement', async () => {
    const { row, outcomes } = await through({ settings, turns: [says(reply)] })
    expect(outcomes).toEqual(DONE)
    expect(row.result).toMatchObject({
      data: { product: 'Hub 2', years: 3, price: 49, kind: 'device', resettable: true, parts: [{ name: 'button' }] },
      judged: ['/kind', '/resettable'],
      cut: [],
    })
    expect((row.result as { data: object }).data).not.toHaveProperty('owner')
  })

  test('cuts what stands nowhere, or fails where the schema needs it', async () => {
    const optional = await through({ settings, turns: [says({ ...reply, price: 77, owner: 'Ada Lovelace' })] })
    expect(optional.row.result).toMatchObject({ data: { price: null }, cut: ['/price', '/owner'] })
    const required = await through({ settings, turns: [says({ ...reply, years: 8 })] })
    expect(required.outcomes).toEqual(['parsed', 'digested', 'unproven'])
    expect(required.row.failure).toMatchObject({
      code: 'extract-unsupported',
      reason: expect.stringMatching(/years.*not found in the document: \/years/),
    })
  })
})

describe('faq', () => {
  const pair = (question: string, text: string) => ({ question, answer: [{ text, citations: [1] }] })
  const pairs = [
    pair('How do I reset the hub?', 'Hold the button for 10 seconds to reset the hub.'),
    pair('How do I reset the  hub?', 'Hold the button for 10 seconds to reset the hub.'),
    pair('How long is the warranty?', 'The warranty lasts 9 years.'),
    pair('Is it true that 88 hubs exploded?', 'Hold the button for 10 seconds to reset the hub.'),
  ]
  test('keeps pairs whose answer is carried and whose question brings no fact of its own, each once', async () => {
    const { row, taken } = await through({ settings: { task: 'faq' }, turns: [says({ pairs })] })
    const { result } = row as unknown as { result: { pairs: { question: string }[]; cut: { text: string }[] } }
    expect(result.pairs.map(({ question }) => question)).toEqual(['How do I reset the hub?'])
    expect(result.cut.map(({ text }) => text)).toEqual([
      'The warranty lasts 9 years.',
      'How long is the warranty?',
      'Is it true that 88 hubs exploded?',
    ])
    expect(taken).toEqual([])
  })

  test('indexes the pairs as a document of their own, once, that no later set digests', async () => {
    const one = await through({ settings: { task: 'faq', index: true }, turns: [says({ pairs })] })
    expect(one.taken).toHaveLength(1)
    const { document, run } = one.taken[0]!
    expect(document).toMatchObject({
      title: 'Questions and answers: Hub',
      text: '## How do I reset the hub?\n\nHold the button for 10 seconds to reset the hub.',
      contentType: 'text/markdown',
      metadata: { madeBy: 'digest-document', from: 'kb-1' },
    })
    expect(run).toMatchObject({ pipeline: 'index-document', subjectId: document.id, held: true })
    await collect(given, one.deps, one.context)
    expect(one.taken).toHaveLength(1)
  })
})

describe('contextualise', () => {
  test('writes where each chunk stands and drops what the document does not say', async () => {
    const text = Array.from(
      { length: 3 },
      (_, i) => `## Lamp ${i}\n\n${`The lamp ${i} glows in the hall for hours. `.repeat(40)}`,
    ).join('\n\n')
    let n = 0
    const turn: ScriptedTurn = async () =>
      says({ context: n++ === 1 ? 'Bananas grow in Ecuador near volcanoes.' : 'The lamp glows in the hall.' })
    const { row, outcomes } = await through({ settings: { task: 'contextualise' }, text, turns: [turn] })
    expect(outcomes).toEqual(DONE)
    const { result } = row as unknown as { result: { contexts: { chunkId: string; context: string }[]; cut: unknown[] } }
    expect(result.contexts.length).toBeGreaterThan(0)
    expect(result.contexts[0]!.context).toBe('The lamp glows in the hall.')
    expect(result.cut).toHaveLength(1)
  })
})

describe('documents that cannot be digested', () => {
  const settings = { task: 'summarise' }
  test.each([
    ['unknown', { documentId: 'kb-none', inline: null }, 'unknown-document'],
    ['empty but for headings', { inline: { text: '# Only a heading', audience: 'public' as const } }, 'document-empty'],
    [
      'a picture',
      { inline: { base64: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3]).toString('base64'), audience: 'public' as const } },
      'document-type-unsupported',
    ],
  ])('%s: the item says so and no model is asked', async (_what, item, code) => {
    const { outcomes, row, scripted } = await through({ settings, item })
    expect(outcomes).toEqual(['rejected'])
    expect(row).toMatchObject({ state: 'failed', failure: { code } })
    expect(scripted.requests).toEqual([])
  })

  test('a step that is repeated after a crash comes to the same end', async () => {
    const one = await through({
      settings,
      turns: [says({ answerable: true, sentences: [{ text: 'Bananas grow in Ecuador near volcanoes.', citations: [1] }] })],
    })
    expect((await prove(given, one.deps, one.context)).outcome).toBe('unproven')
    const done = await through({
      settings,
      turns: [says({ answerable: true, sentences: [{ text: 'The hub turns amber after 12 seconds.', citations: [1] }] })],
    })
    expect((await collect(given, done.deps, done.context)).outcome).toBe('collected')
  })

  test('a failure of the model stays one: the run is retried or dies with its code', async () => {
    const one = world({ settings, turns: [terminal('provider-refused', 'no')] })
    await read(given, one.deps, one.context)
    await expect(digest(given, one.deps, one.context)).rejects.toThrow('provider-refused')
  })
})
