import { expect, test } from 'vitest'
import { teachCache } from '#api/cache-feedback.ts'
import { teachExamples } from '#api/example-feedback.ts'
import { SIMILARITY_ID } from '#shared/domain/cache.ts'
import type { Run } from '#shared/domain/run.ts'
import type { TicketRow } from '#shared/ports/ticket-store.ts'
import { memoryAnswerCache } from '#test/fakes/answer-cache.memory.ts'
import { memoryCacheEvidence } from '#test/fakes/cache-evidence.memory.ts'
import { memoryExampleBank } from '#test/fakes/example-bank.memory.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { sampleAnswer, sampleScreened, sampleVerdict } from '#test/fakes/sample-facts.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const ticket: TicketRow = { id: 'tkt_1', tenantId: 'acme', runId: 'run_1', conversationId: 'cnv_1', createdAt: NOW }
const recalled = { key: 'own', partition: 'p', hit: false, cacheable: true }
const similar = { ...recalled, hit: true, by: 'similar', matched: 'tkt_0', matchedKey: 'theirs', similarity: 0.8 }

async function world(facts: Record<string, unknown>, tenantId = 'acme') {
  const [cache, cacheEvidence, examples, log] = [memoryAnswerCache(), memoryCacheEvidence(), memoryExampleBank(), recordingLog()]
  const cached = { answer: sampleAnswer(), verdict: sampleVerdict('deliver'), ticketId: 't', sources: [], question: '' }
  for (const key of ['own', 'theirs']) await cache.put('acme', 'p', key, cached, 1_000)
  const runs = { load: async () => ({ tenantId, facts }) as unknown as Run }
  const deps = { cache, cacheEvidence, examples, log, runs: runs as never }
  return { ...deps, left: () => [...cache.entries.keys()].map((name) => JSON.parse(name)[2]), deps }
}

test.each<[string, object, 'up' | 'down', string[]]>([
  ['a fresh answer, down', recalled, 'down', ['theirs']],
  ['a fresh answer, up', recalled, 'up', ['own', 'theirs']],
  ['an answer given again, down', similar, 'down', ['own']],
  ['an answer given again, up', similar, 'up', ['own', 'theirs']],
])('%s: what is left in the cache', async (_name, fact, rating, left) => {
  const { deps, left: after } = await world({ recalled: fact })
  await teachCache(ticket, rating, 'fbk_1', NOW, deps)
  expect(after()).toEqual(left)
})

test.each(['up', 'down'] as const)('a thumb %s on an answer to a similar question is evidence, once', async (rating) => {
  const { deps, cacheEvidence } = await world({ recalled: similar })
  await teachCache(ticket, rating, 'fbk_1', NOW, deps)
  await teachCache(ticket, rating, 'fbk_1', NOW, deps)
  expect(cacheEvidence.observed).toMatchObject([
    {
      tenantId: 'acme',
      questionKey: 'theirs',
      similarity: 0.8,
      similarityId: SIMILARITY_ID,
      correct: rating === 'up',
      origin: 'feedback',
    },
  ])
})

test('another tenant’s run, no run, or a cache that is away change nothing and break nothing', async () => {
  const foreign = await world({ recalled: similar }, 'globex')
  await teachCache(ticket, 'down', 'fbk_1', NOW, foreign.deps)
  expect([foreign.left(), foreign.cacheEvidence.observed]).toEqual([['own', 'theirs'], []])
  const empty = await world({})
  await teachCache(ticket, 'down', 'fbk_1', NOW, empty.deps)
  expect(empty.left()).toEqual(['own', 'theirs'])
  const away = await world({ recalled })
  away.cache.fail = true
  await teachCache(ticket, 'down', 'fbk_1', NOW, away.deps)
  expect(away.log.lines.map(({ level }) => level)).toEqual(['warn'])
})

test.each<[string, object, object, number]>([
  ['a person’s reply', { by: 'person' }, {}, 1],
  ['a machine’s reply', { by: 'model' }, {}, 0],
  ['a reply with an address in it', { by: 'person', text: 'Write to ada@example.org.' }, {}, 0],
  [
    'a reply to personal data',
    { by: 'person' },
    { placeholders: [{ token: '[EMAIL_1]', type: 'EMAIL', value: 'a@b.example' }] },
    0,
  ],
])('%s that was rated up becomes %4$s example until it is rated down', async (_name, answer, screened, count) => {
  const { deps, examples } = await world({ answer: sampleAnswer(answer), screened: sampleScreened(screened) })
  await teachExamples(ticket, 'up', NOW, deps)
  expect(await examples.list('acme', 10)).toHaveLength(count)
  expect(await examples.list('globex', 10)).toEqual([])
  await teachExamples(ticket, 'down', NOW, deps)
  expect(await examples.list('acme', 10)).toEqual([])
})
