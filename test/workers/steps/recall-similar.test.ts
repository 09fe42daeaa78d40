import { describe, expect, test } from 'vitest'
import { SIMILARITY_ID } from '#shared/domain/cache.ts'
import type { Screened } from '#shared/domain/screened.ts'
import { memoryAnswerCache } from '#test/fakes/answer-cache.memory.ts'
import { memoryCacheEvidence } from '#test/fakes/cache-evidence.memory.ts'
import { MemoryKnowledge } from '#test/fakes/knowledge.memory.ts'
import { sampleAnswer, sampleScreened, sampleTenant, sampleTicket, sampleVerdict } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { seededRandom } from '#test/simulator/seeded-random.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { keyOf, questionOf, recall } from '#workers/steps/recall.ts'

const ASKED = 'How do I delete all my mail from my account?'
const ALIKE = 'How can I delete all of the mail in my account?'
const POLITE = 'Hello, how do I delete all my mail from my account please? Thank you'
type Similar = 'off' | 'near-exact' | 'calibrated' | 'reference'

function world() {
  const cache = memoryAnswerCache()
  const cacheEvidence = memoryCacheEvidence()
  const knowledge = new MemoryKnowledge()
  const deps = { cache, cacheEvidence, knowledge, prompts: loadPrompts() }
  const ask = (text: string, similar: Similar = 'calibrated', change: Partial<Screened> = {}, ticket = sampleTicket()) => {
    const context = stepContext({ tenant: sampleTenant({ cache: { similar } }, ticket.tenantId) })
    return recall({ ticket, screened: sampleScreened({ subject: '', text, ...change }) }, deps, context)
  }
  const remember = async (text: string, ticket = sampleTicket(), change: Partial<Screened> = {}) => {
    const { recalled } = (await ask(text, 'off', change, ticket)).facts
    const screened = sampleScreened({ subject: '', text })
    await cache.put(
      ticket.tenantId,
      recalled.partition,
      keyOf(screened),
      {
        answer: sampleAnswer({ text: `${recalled.partition}|${ticket.tenantId}` }),
        verdict: sampleVerdict('deliver'),
        ticketId: 'tkt_0',
        sources: [{ documentId: 'kb-1', contentHash: 'hash-1' }],
        question: questionOf(screened),
      },
      1_000,
    )
  }
  /** As many observations as it takes: right from 0.6 on. */
  const experience = async () => {
    for (let n = 0; n < 400; n++) {
      const similarity = n / 400
      const observation = { tenantId: 'acme', questionKey: `q${n % 50}`, ticketId: 't', similarityId: SIMILARITY_ID, similarity }
      await cacheEvidence.observe({
        ...observation,
        id: `obs_${n}`,
        correct: similarity > 0.6,
        origin: 'answer',
        createdAt: new Date(0),
      })
    }
  }
  return { cache, cacheEvidence, knowledge, ask, remember, experience }
}

describe('a question like one that was answered', () => {
  test('is a miss until there is evidence, and names what came nearest, so that evidence comes', async () => {
    const { ask, remember } = world()
    await remember(ASKED)
    const { outcome, facts } = await ask(ALIKE)
    expect(outcome).toBe('miss')
    expect(facts.recalled.nearest).toMatchObject({ key: keyOf({ subject: '', text: ASKED }), ticketId: 'tkt_0' })
    expect(facts.recalled.nearest!.similarity).toBeGreaterThan(0.8)
  })
  test('is a hit once the tenant’s own evidence bears it, and says what it matched and how', async () => {
    const { ask, remember, experience } = world()
    await remember(ASKED)
    await experience()
    const { outcome, facts } = await ask(ALIKE)
    expect(outcome).toBe('hit')
    expect(facts.recalled).toMatchObject({
      hit: true,
      by: 'similar',
      matched: 'tkt_0',
      matchedKey: keyOf({ subject: '', text: ASKED }),
    })
    expect(facts).toMatchObject({ answer: { by: 'cache' } })
  })
  test('is a hit at the shipped thresholds where the tenant asks for them', async () => {
    const { ask, remember } = world()
    await remember(ASKED)
    expect((await ask(ALIKE, 'reference')).facts.recalled).toMatchObject({ hit: true, by: 'similar' })
  })
  test.each<[Similar, string, string]>([
    ['off', POLITE, 'miss'],
    ['near-exact', POLITE, 'hit'],
    ['calibrated', POLITE, 'hit'],
    ['near-exact', ALIKE, 'miss'],
  ])('with "%s" and %j it is a %3$s', async (similar, text, outcome) => {
    const { ask, remember, experience } = world()
    await remember(ASKED)
    await experience()
    expect((await ask(text, similar)).outcome).toBe(outcome)
  })
  test.each([
    ["How can I make sure you don't delete all of the mail in my account?"],
    ['How can I download all of the mail in my account?'],
    ['How can I delete all of the mail in my 2 accounts?'],
    ['Why can I delete all of the mail in my account?'],
    [`${ALIKE} ${'Really, I mean it, all of it. '.repeat(60)}`],
    [''],
  ])('is a miss whatever the evidence where it is another one: %j', async (text) => {
    const { ask, remember, experience } = world()
    await remember(ASKED)
    await experience()
    const { outcome, facts } = await ask(text)
    expect([outcome, facts.recalled.nearest]).toEqual(['miss', undefined])
  })
})

describe('an answer is given again to nobody', () => {
  const changes: [string, (known: ReturnType<typeof world>) => unknown][] = [
    [
      'its document has changed',
      ({ cacheEvidence }) => cacheEvidence.documents.set('kb-1', { contentHash: 'hash-2', settled: true }),
    ],
    ['its document is gone', ({ cacheEvidence }) => cacheEvidence.documents.delete('kb-1')],
    ['it was evicted', ({ cache }) => cache.entries.clear()],
  ]
  test.each(changes)('once %s', async (_name, change) => {
    const known = world()
    await known.remember(ASKED)
    await known.experience()
    for (const text of [ASKED, POLITE, ALIKE]) expect((await known.ask(text)).outcome).toBe('hit')
    await change(known)
    for (const text of [ASKED, POLITE, ALIKE]) expect((await known.ask(text)).outcome).toBe('miss')
    expect(known.cache.entries.size).toBe(0)
  })
})

test('of 3,000 probes across partitions none is answered from another one', async () => {
  const random = seededRandom(11)
  const known = world()
  const tiers = ['free', 'standard', 'enterprise'] as const
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const place = () =>
    [
      sampleTicket({ tenantId: pick(['acme', 'globex', 'acme-2']), tier: pick(tiers) }),
      { language: pick(['en', 'de', 'und']) },
    ] as const
  let [crossed, hits] = [0, 0]
  for (let n = 0; n < 3_000; n++) {
    const [ticket, screened] = place()
    const text = pick([ASKED, POLITE, ALIKE, 'How do I reset the hub?', 'How do I reset a hub please?'])
    if (n % 10 === 0) await known.remember(text, ticket, screened)
    if (n % 500 === 0) await known.knowledge.bump(ticket.tenantId)
    const { outcome, facts } = await known.ask(text, 'reference', screened, ticket)
    if (outcome !== 'hit') continue
    hits++
    if (facts.answer.text !== `${facts.recalled.partition}|${ticket.tenantId}`) crossed++
  }
  expect(hits).toBeGreaterThan(300)
  expect(crossed).toBe(0)
})
