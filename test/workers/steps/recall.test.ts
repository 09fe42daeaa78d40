import { describe, expect, test } from 'vitest'
import { Recalled } from '#shared/domain/answer.ts'
import type { Screened } from '#shared/domain/screened.ts'
import { memoryAnswerCache } from '#test/fakes/answer-cache.memory.ts'
import { memoryCacheEvidence } from '#test/fakes/cache-evidence.memory.ts'
import { MemoryKnowledge } from '#test/fakes/knowledge.memory.ts'
import { sampleAnswer, sampleScreened, sampleTenant, sampleTicket, sampleVerdict } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { keyOf, partitionOf, recall } from '#workers/steps/recall.ts'

const key = (text: string, subject = '') => keyOf({ subject, text })

describe('the key', () => {
  test.each([
    ['How do I reset Hub 2?', 'how do i RESET hub 2'],
    ['How do I reset Hub 2?', '  How do\n\nI   reset\tHub 2 ?!… '],
    ['How do I reset Hub 2', 'How do I reset Hub 2...'],
    ['ハブをリセットするには？', 'ハブをリセットするには'],
  ])('is the same for %j and %j', (a, b) => {
    expect(key(a)).toBe(key(b))
    expect(key('x', a)).toBe(key('x', b))
  })
  test.each([
    ['How do I reset Hub 2?', 'How do I reset Hub 1?'],
    ['How do I reset Hub 2?', 'How do I reset Hub 20?'],
    ['What are 10² metres?', 'What are 102 metres?'],
    ['Can I return it after 14 days?', 'Can I return it after 1 4 days?'],
    ['Is it -5 degrees?', 'Is it 5 degrees?'],
    ['Does the hub control the plug?', 'Does the plug control the hub?'],
    ['Can I cancel?', 'Can I not cancel?'],
    ['Is 1.5 enough?', 'Is 15 enough?'],
    ['resume', 'résumé'],
    ['a, b', 'a b'],
  ])('is another one for %j and %j', (a, b) => {
    expect(key(a)).not.toBe(key(b))
  })
  test('tells subject and text apart', () => {
    expect(keyOf({ subject: 'a b', text: 'c' })).not.toBe(keyOf({ subject: 'a', text: 'b c' }))
    expect(keyOf({ subject: '', text: 'a' })).not.toBe(keyOf({ subject: 'a', text: '' }))
  })
  test('takes no longer for text that is made to be slow', () => {
    const startedAt = performance.now()
    for (const hostile of [`${'!'.repeat(100_000)}x`, `${' \n'.repeat(50_000)}x`, `${'. '.repeat(50_000)}x`, '?'.repeat(100_000)])
      key(hostile)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })
})

test('a partition is of one state of knowledge, language, tier and prompt', () => {
  const base = ['standard', 'en', '7', 'c0ffee'] as const
  const at = ([tier, language, version, hash]: readonly ['free' | 'standard' | 'enterprise', string, string, string]) =>
    partitionOf({ tier }, { language }, version, hash, sampleTenant().config)
  const others = [
    ['enterprise', 'en', '7', 'c0ffee'],
    ['standard', 'de', '7', 'c0ffee'],
    ['standard', 'en', '8', 'c0ffee'],
    ['standard', 'en', '7', 'decade'],
  ] as const
  expect(at(base)).toBe(at([...base]))
  expect(new Set([base, ...others].map(at)).size).toBe(5)
})

function world() {
  const cache = memoryAnswerCache()
  const knowledge = new MemoryKnowledge()
  const cacheEvidence = memoryCacheEvidence()
  const deps = { cache, cacheEvidence, knowledge, prompts: loadPrompts() }
  const run = (change: Partial<Screened> = {}, ticket = sampleTicket(), context = stepContext()) =>
    recall({ ticket, screened: sampleScreened(change) }, deps, context)
  const remember = async () => {
    const { recalled } = (await run()).facts
    await cache.put(
      'acme',
      recalled.partition,
      recalled.key,
      {
        answer: sampleAnswer(),
        verdict: sampleVerdict('deliver'),
        ticketId: 'tkt_0',
        sources: [{ documentId: 'kb-1', contentHash: 'hash-1' }],
        question: 'Return\nHow long can I return a hub?',
      },
      1,
    )
  }
  return { cache, cacheEvidence, knowledge, run, remember }
}

describe('a question', () => {
  test('that was answered before is answered again, with its verdict, and the answer says where it comes from', async () => {
    const { run, remember } = world()
    expect(await run()).toMatchObject({ outcome: 'miss', facts: { recalled: { hit: false, cacheable: true } } })
    await remember()
    const again = await run({ text: 'HOW long can I return a hub' })
    expect(again).toMatchObject({
      outcome: 'hit',
      facts: {
        recalled: { hit: true, matched: 'tkt_0' },
        answer: { ...sampleAnswer(), by: 'cache' },
        verdict: sampleVerdict('deliver'),
      },
    })
    expect(Recalled.parse(again.facts.recalled)).toEqual(again.facts.recalled)
  })
  test.each([
    ['new knowledge', async ({ knowledge, run }: ReturnType<typeof world>) => knowledge.bump('acme').then(() => run())],
    ['another language', async ({ run }: ReturnType<typeof world>) => run({ language: 'de' })],
    ['another tier', async ({ run }: ReturnType<typeof world>) => run({}, sampleTicket({ tier: 'free' }))],
    ['another tenant', async ({ run }: ReturnType<typeof world>) => run({}, sampleTicket({ tenantId: 'other' }))],
  ])('is not answered from the past after %s', async (_name, ask) => {
    const known = world()
    await known.remember()
    expect((await ask(known)).outcome).toBe('miss')
  })
  test.each([
    ['with personal data in it', { placeholders: [{ token: '[EMAIL_1]', type: 'EMAIL', value: 'ada@example.org' }] }],
    ['that was cut', { truncated: true }],
  ])('%s is neither answered from the cache nor kept there', async (_name, change) => {
    const { run, remember } = world()
    await remember()
    expect(await run(change)).toMatchObject({ outcome: 'miss', facts: { recalled: { hit: false, cacheable: false } } })
  })
  test('of a tenant without a cache is not looked up', async () => {
    const { run, remember } = world()
    await remember()
    const context = stepContext({ tenant: sampleTenant({ policies: { cache: false } }) })
    expect(await run({}, sampleTicket(), context)).toMatchObject({ outcome: 'miss', facts: { recalled: { cacheable: false } } })
  })
  test('is a miss while the cache is away, and may be kept later', async () => {
    const { run, cache } = world()
    cache.fail = true
    const context = stepContext()
    expect(await run({}, sampleTicket(), context)).toMatchObject({ outcome: 'miss', facts: { recalled: { cacheable: true } } })
    expect(context.log.lines.map(({ level }) => level)).toEqual(['warn'])
  })
})
