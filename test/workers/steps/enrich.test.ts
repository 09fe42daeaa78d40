import { beforeEach, describe, expect, test } from 'vitest'
import { Parked, retryable, terminal } from '#shared/domain/failure.ts'
import { TenantConfig } from '#shared/domain/tenant.ts'
import { MemoryDocumentStore } from '#test/fakes/document-store.memory.ts'
import { createScriptedLlm, type ScriptedTurn } from '#test/fakes/llm.scripted.ts'
import { sampleChunk } from '#test/fakes/sample-chunk.ts'
import { sampleTenant } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { embeddingText } from '#workers/logic/chunk-document.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { enrich } from '#workers/steps/enrich.ts'

const given = { document: { documentId: 'kb-1', contentHash: 'v1' } }
const prompts = loadPrompts()
let documents = new MemoryDocumentStore()
const TEXTS = ['Press it for ten seconds.', 'The light turns amber.', 'Then it is reset.']

beforeEach(async () => {
  documents = new MemoryDocumentStore()
  documents.put({
    id: 'kb-1',
    tenantId: 'acme',
    title: 'Hub',
    text: '',
    contentType: 'text/markdown',
    audience: 'public',
    contentHash: 'v1',
  })
  await documents.saveParsed('acme', 'kb-1', 'v1', {
    title: 'Hub',
    text: TEXTS.join('\n\n'),
    structure: 'plain',
    audience: 'public',
  })
  const chunks = TEXTS.map((text, position) => sampleChunk({ documentId: 'kb-1', text, position, title: 'Hub' }))
  await documents.saveChunks('acme', 'kb-1', 'v1', chunks)
})

const context = (contextSentences: 'off' | 'standard' | 'offline', attempt = 1) => {
  const tenant = sampleTenant()
  return stepContext({
    attempt,
    tenant: { ...tenant, id: 'acme', config: TenantConfig.parse({ knowledge: { contextSentences } }) },
  })
}
const run = (turns: readonly ScriptedTurn[], inContext = context('standard'), modelAvailable = true) => {
  const llm = createScriptedLlm(turns)
  return { llm, done: enrich(given, { documents, llm, prompts, modelAvailable }, inContext) }
}
const saved = async () => (await documents.chunksOf('acme', 'kb-1', 'v1')).map((chunk) => chunk.context)
const says = (text: string) => JSON.stringify({ context: text })

describe('enrich', () => {
  test('asks for every chunk with its document, and what comes back is embedded but not shown', async () => {
    const { llm, done } = run([says('  How to reset\n the hub. ')])
    expect(await done).toEqual({ outcome: 'enriched', facts: { enriched: { contexts: 3, without: 0 } } })
    expect(await saved()).toEqual(Array(3).fill('How to reset the hub.'))
    expect(llm.requests.map(({ task }) => task)).toEqual(Array(3).fill('contextualise'))
    expect(llm.requests[1]!.messages[0]!.content).toContain(TEXTS[0])
    const [chunk] = await documents.chunksOf('acme', 'kb-1', 'v1')
    expect(embeddingText(chunk!)).toBe(`Hub\nHow to reset the hub.\n${TEXTS[0]}`)
    expect(chunk!.text).toBe(TEXTS[0])
  })

  test('asks nobody unless the tenant wants it and a model is there', async () => {
    for (const [setting, available] of [
      ['off', true],
      ['standard', false],
    ] as const) {
      const { llm, done } = run([says('x')], context(setting), available)
      expect(await done).toMatchObject({ outcome: 'enriched', facts: { enriched: { contexts: 0, without: 0 } } })
      expect(llm.requests).toEqual([])
    }
  })

  test('asks for all chunks before it parks for a batch', async () => {
    const { llm, done } = run([new Parked(new Date(0), 'waits for a batch')], context('offline'))
    await expect(done).rejects.toBeInstanceOf(Parked)
    expect(llm.requests).toHaveLength(3)
  })

  test('tries again while models are away, and then does without', async () => {
    const away = retryable('provider-unavailable', 'away')
    await expect(run([away]).done).rejects.toBe(away)
    const last = context('standard', 3)
    expect(await run([says('one'), away, says('three')], last).done).toMatchObject({
      facts: { enriched: { contexts: 2, without: 1 } },
    })
    expect(last.log.lines.some(({ level }) => level === 'warn')).toBe(true)
  })

  test('does without what no model will say, and does not hide our own mistakes', async () => {
    expect(await run([terminal('provider-refused', 'no')]).done).toMatchObject({
      facts: { enriched: { contexts: 0, without: 3 } },
    })
    await expect(run([new TypeError('ours')]).done).rejects.toThrow('ours')
  })

  test('shows the model the beginning and the surroundings of a chunk in a long document', async () => {
    const text = `The very beginning. ${'filler words '.repeat(10_000)}`
    await documents.saveParsed('acme', 'kb-1', 'v1', { title: 'Hub', text, structure: 'plain', audience: 'public' })
    await documents.saveChunks('acme', 'kb-1', 'v1', [
      sampleChunk({ documentId: 'kb-1', text: text.slice(60_000, 60_100), start: 60_000, end: 60_100 }),
    ])
    const { llm, done } = run([says('x')])
    await done
    const prompt = llm.requests[0]!.messages[0]!.content
    expect(prompt).toContain('The very beginning.')
    expect(prompt.length).toBeLessThan(27_000)
  })

  test('a document that was changed meanwhile is left alone', async () => {
    documents.delete('acme', 'kb-1')
    expect(await run([says('x')]).done).toMatchObject({ outcome: 'superseded' })
  })
})
