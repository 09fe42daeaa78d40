import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCacheEvidence } from '#shared/adapters/state/answer-cache-evidence.postgres.ts'
import { createExampleBank } from '#shared/adapters/state/example-bank.postgres.ts'
import { Database } from '#shared/database/client.ts'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { migrate } from '#shared/database/migrate.ts'

let database: Database
beforeAll(async () => {
  database = new Database(await openPgliteInMemory())
  await migrate(database)
})
afterAll(() => database.close())

const observation = (id: string, change = {}) => ({
  id,
  tenantId: 'acme',
  questionKey: 'k',
  ticketId: 't',
  similarityId: 's1',
  similarity: 0.8125,
  correct: true,
  origin: 'answer' as const,
  createdAt: new Date(1_000 * Number(id)),
  ...change,
})

test('observations come latest first, once each, of one tenant and one similarity', async () => {
  const evidence = createCacheEvidence(database)
  await evidence.observe(observation('1'))
  await evidence.observe(observation('1', { correct: false }))
  await evidence.observe(observation('2', { correct: false, questionKey: 'k2' }))
  await evidence.observe(observation('3', { tenantId: 'globex' }))
  await evidence.observe(observation('4', { similarityId: 's2' }))
  expect(await evidence.observations('acme', 's1', 10)).toEqual([
    { questionKey: 'k2', similarity: 0.8125, correct: false },
    { questionKey: 'k', similarity: 0.8125, correct: true },
  ])
  expect(await evidence.observations('acme', 's1', 1)).toHaveLength(1)
})

test('sources are the documents of this tenant as they are now', async () => {
  const insert = `
    INSERT INTO documents (tenant_id, id, title, body, content_type, audience, content_hash, run_id, state, created_at, updated_at)
    VALUES ($1, $2, 't', 'b', 'text/plain', 'public', $3, 'run', $4, now(), now())`
  await database.forTenant('acme', insert, ['d1', 'h1', 'indexed'])
  await database.forTenant('acme', insert, ['d2', 'h2', 'queued'])
  await database.forTenant('globex', insert, ['d1', 'other', 'indexed'])
  const evidence = createCacheEvidence(database)
  const found = await evidence.sources('acme', ['d1', 'd2', 'gone'])
  expect(found.toSorted((a, b) => (a.documentId < b.documentId ? -1 : 1))).toEqual([
    { documentId: 'd1', contentHash: 'h1', settled: true },
    { documentId: 'd2', contentHash: 'h2', settled: false },
  ])
  expect(await evidence.sources('acme', [])).toEqual([])
})

test('examples are kept once a ticket, and come latest first', async () => {
  const bank = createExampleBank(database)
  const example = (question: string) => ({ question, answer: 'Yes. [1]', passages: [] })
  await bank.add('acme', 't1', example('one'), new Date(1))
  await bank.add('acme', 't1', example('again'), new Date(9))
  await bank.add('acme', 't2', example('two'), new Date(2))
  await bank.add('globex', 't1', example('theirs'), new Date(3))
  expect((await bank.list('acme', 10)).map(({ question }) => question)).toEqual(['two', 'one'])
  await bank.remove('acme', 't2')
  expect((await bank.list('acme', 10)).map(({ question }) => question)).toEqual(['one'])
})
