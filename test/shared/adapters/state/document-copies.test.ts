import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createRedisAnswerCache } from '#shared/adapters/state/answer-cache.redis.ts'
import { createConversationStore } from '#shared/adapters/state/conversation-store.postgres.ts'
import { createHotConversations } from '#shared/adapters/state/conversation-store.redis.ts'
import { createDocumentCopies } from '#shared/adapters/state/document-copies.ts'
import { createDocumentIntake } from '#shared/adapters/state/document-intake.postgres.ts'
import { createKnowledge } from '#shared/adapters/state/document-store.postgres.ts'
import { createIdempotencyStore } from '#shared/adapters/state/idempotency-store.postgres.ts'
import { removeFromIndexes } from '#shared/adapters/state/index-removal.ts'
import { redisConnections, untilReady } from '#shared/adapters/state/redis.ts'
import { createRedisTokenStream } from '#shared/adapters/state/token-stream.redis.ts'
import { Database } from '#shared/database/client.ts'
import type { SourceDocument } from '#shared/domain/document.ts'
import type { DocumentCopies } from '#shared/ports/document-copies.ts'
import type { DocumentIntake } from '#shared/ports/document-intake.ts'
import type { DenseIndex, SparseIndex } from '#shared/ports/search-index.ts'
import { newRun } from '#test/contracts/run-log.contract.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { sampleAnswer, sampleVerdict } from '#test/fakes/sample-facts.ts'
import { keysHolding } from '#test/servers/keys-holding.ts'
import { openMigratedPglite } from '#test/servers/migrated-pglite.ts'
import { hasRedis, startRedis, type TestRedis } from '#test/servers/redis.ts'

const WORD = 'tamarillo'
const HOUR_MS = 3_600_000
const now = new Date()

/** Real stores: what a whole Redis holds is looked through for a word of the document. */
describe.skipIf(!hasRedis)(`copies of documents${hasRedis ? '' : ' (needs redis-server)'}`, () => {
  let server: TestRedis
  let database: Database
  let redis: ReturnType<ReturnType<typeof redisConnections>['producer']>
  let world: ReturnType<typeof build>
  const log = recordingLog()
  const opened: { disconnect(): void }[] = []

  beforeAll(async () => {
    server = await startRedis({ appendOnly: true })
    database = new Database(await openMigratedPglite())
    const connections = redisConnections(server.socket, log)
    redis = connections.producer()
    const reader = connections.blocking()
    opened.push(redis, reader)
    await untilReady(redis, 10_000)
    world = build(reader)
  })
  afterAll(async () => {
    for (const connection of opened) connection.disconnect()
    await server?.stop()
    await database?.close()
  })
  beforeEach(async () => {
    await redis.flushall()
    await database.asSystem('test', 'DELETE FROM copies_to_forget')
    world.index.away = false
  })

  function build(reader: typeof redis) {
    const cache = createRedisAnswerCache(redis, 'test')
    const index = { away: false, asked: [] as string[] }
    const leg = {
      async deleteDocument(tenantId: string, documentId: string) {
        if (index.away) throw new Error('the index is away')
        index.asked.push(`${tenantId} ${documentId}`)
      },
    }
    const knowledge = createKnowledge(database)
    const indexes = { dense: leg as unknown as DenseIndex, sparse: leg as unknown as SparseIndex, knowledge }
    const copies: DocumentCopies = createDocumentCopies(database, {
      ...{ cache, redis, prefix: 'test', log },
      removeFromIndexes: (tenantId, documentId) => removeFromIndexes(database, indexes, tenantId, documentId),
    })
    const intake: DocumentIntake = createDocumentIntake(database, { ...indexes, copies })
    const conversations = createHotConversations(redis, 'test', createConversationStore(database))
    const stream = createRedisTokenStream(redis, reader, 'test')
    return { index, knowledge, cache, copies, intake, conversations, stream, responses: createIdempotencyStore(database) }
  }

  const accept = (tenantId: string, id: string, contentHash: string) => {
    const document: SourceDocument = {
      ...{ id, tenantId, contentHash, title: WORD, text: WORD, contentType: 'text/plain', audience: 'public' },
    }
    return world.intake.accept(document, newRun({ tenantId, pipeline: 'index-document', subjectId: id, given: {} }))
  }
  const keepAnswer = (tenantId: string, key: string, documentId: string, contentHash: string) => {
    const cached = { answer: sampleAnswer({ text: WORD }), verdict: sampleVerdict('deliver'), ticketId: 'tkt_1', question: WORD }
    return world.cache.put(tenantId, 'v1', key, { ...cached, sources: [{ documentId, contentHash }] }, HOUR_MS)
  }
  /** A reply that quotes the document, as it lies in the database, in the ticket's stream and in the conversation at hand. */
  async function tell(tenantId: string, ticketId: string, documentId: string) {
    const reply = {
      ...{
        id: `msg_${tenantId}_${ticketId}`,
        tenantId,
        conversationId: `cnv_${ticketId}`,
        ticketId,
        runId: `run_${tenantId}_${ticketId}`,
      },
      ...{ author: 'machine' as const, body: WORD, createdAt: new Date() },
      citations: sampleAnswer().citations.map((citation) => ({ ...citation, documentId })),
    }
    await world.conversations.history(tenantId, reply.conversationId)
    await world.conversations.deliver(reply, undefined, {
      ticketId,
      asked: 'how',
      answered: WORD,
      author: 'machine',
      at: reply.createdAt,
    })
    await world.stream.append(tenantId, ticketId, [{ id: '1-1', event: 'token', data: { text: WORD } }])
  }
  const listed = async (tenantId: string) =>
    (
      await database.forTenant(tenantId, 'SELECT document_id, due_at <= now() AS due FROM copies_to_forget WHERE tenant_id = $1')
    ).map((row) => [row.document_id, row.due])
  /** As if the second look's time had come. */
  const later = () =>
    database.asSystem(
      'test',
      `UPDATE copies_to_forget SET changed_at = changed_at - interval '10 min', due_at = due_at - interval '10 min'`,
    )

  test('of a deleted document no word is left in Redis, of another one every word', async () => {
    for (const id of ['gone', 'stays']) {
      await accept('acme', id, 'h1')
      await keepAnswer('acme', `of-${id}`, id, 'h1')
      await tell('acme', `tkt-${id}`, id)
    }
    await tell('globex', 'tkt-gone', 'gone')
    await world.responses.claim('acme', 'key', 'POST /v1/search', 'hash', now)
    await world.responses.settle('acme', 'key', { status: 200, body: WORD })
    await world.responses.claim('acme', 'other', 'POST /v1/tickets', 'hash', now)
    await world.responses.settle('acme', 'other', { status: 202, body: 'ids' })
    expect(await world.intake.remove('acme', 'gone')).toBe(true)
    expect(await keysHolding(redis, [WORD])).toEqual([
      'test:answer:acme:v1:of-stays',
      'test:conversation:acme:cnv_tkt-stays',
      'test:conversation:globex:cnv_tkt-gone',
      'test:questions:acme:v1',
      'test:stream:acme:tkt-stays',
      'test:stream:globex:tkt-gone',
    ])
    expect((await world.cache.questions('acme', 'v1', '', 10)).map(({ key }) => key)).toEqual(['of-stays'])
    // What the customer was told stays in the conversation's own record.
    expect((await world.conversations.replyOf('acme', 'run_acme_tkt-gone'))?.body).toBe(WORD)
    expect(await world.responses.claim('acme', 'key', 'POST /v1/search', 'hash', now)).toEqual({ kind: 'first' })
    expect(await world.responses.claim('acme', 'other', 'POST /v1/tickets', 'hash', now)).toMatchObject({ kind: 'replayed' })
  })

  test('a document that is replaced takes the answers from its old version with it, and what was told stays', async () => {
    await accept('beta', 'doc', 'h1')
    await keepAnswer('beta', 'old', 'doc', 'h1')
    await tell('beta', 'tkt-1', 'doc')
    expect(await accept('beta', 'doc', 'h1')).toMatchObject({ kind: 'unchanged' })
    expect(await world.cache.get('beta', 'v1', 'old')).toBeDefined()
    expect(await listed('beta')).toEqual([])
    expect(await accept('beta', 'doc', 'h2')).toEqual({ kind: 'queued' })
    expect(await keysHolding(redis, [WORD])).toEqual(['test:conversation:beta:cnv_tkt-1', 'test:stream:beta:tkt-1'])
    expect(await listed('beta')).toEqual([['doc', false]])
  })

  test('an answer or a model’s reply that was on its way when the document went is removed by the second look', async () => {
    await accept('gamma', 'doc', 'h1')
    await world.intake.remove('gamma', 'doc')
    const [run] = await world.intake.openRunsOf('gamma', 'doc')
    await keepAnswer('gamma', 'late', 'doc', 'h1')
    await database.forTenant(
      'gamma',
      `INSERT INTO model_calls (tenant_id, run_id, step, visit, request_hash, task, tier, prompt_id, prompt_version, prompt_hash, provider, model,
         reply, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, latency_ms, created_at)
       VALUES ($1, $2, 'enrich', 1, 'h', 'contextualise', 'cheap', 'p', 1, 'h', 'x', 'x', 'words', 1, 1, 0, 0, 0, 1, now())`,
      [run],
    )
    expect(await world.copies.forgetDue(10)).toBe(0)
    await later()
    expect(await world.copies.forgetDue(10)).toBeGreaterThan(0)
    expect(await keysHolding(redis, [WORD])).toEqual([])
    expect(await database.forTenant('gamma', 'SELECT reply FROM model_calls WHERE tenant_id = $1')).toEqual([{ reply: '' }])
    expect(await listed('gamma')).toEqual([])
  })

  test('a second look at a document that is there again leaves what cites its present version', async () => {
    await accept('delta', 'doc', 'h1')
    await world.intake.remove('delta', 'doc')
    await accept('delta', 'doc', 'h2')
    await keepAnswer('delta', 'old', 'doc', 'h1')
    await keepAnswer('delta', 'new', 'doc', 'h2')
    await later()
    await world.copies.forgetDue(10)
    expect(await keysHolding(redis, [WORD])).toEqual(['test:answer:delta:v1:new', 'test:questions:delta:v1'])
  })

  test('a handover that was told of the document is not at hand any more', async () => {
    await accept('eps', 'doc', 'h1')
    await world.stream.append('eps', 'tkt-e', [{ id: '1-1', event: 'token', data: { text: WORD } }])
    const passages = JSON.stringify({ passages: { passages: [{ documentId: 'doc', text: WORD }] } })
    await database.forTenant(
      'eps',
      `INSERT INTO attempts (run_id, seq, tenant_id, step, attempt, visit, result, facts_written, next, started_at, ended_at, worker)
       VALUES ('run_e', 3, $1, 'retrieve', 1, 1, 'found', $2::jsonb, '{}', now(), now(), 'w')`,
      [passages],
    )
    await database.forTenant(
      'eps',
      `INSERT INTO escalations (id, tenant_id, run_id, ticket_id, visit, severity, reason, summary, evidence, created_at, expires_at)
       VALUES ('esc_e', $1, 'run_e', 'tkt-e', 1, 'P3', '', '', '[]', now(), now())`,
    )
    await world.intake.remove('eps', 'doc')
    expect(await keysHolding(redis, [WORD])).toEqual([])
  })

  test('a deletion that an index broke off is finished by the sweeper, and holds up nobody else’s', async () => {
    for (const id of ['stuck', 'other']) {
      await accept('eta', id, 'h1')
      await keepAnswer('eta', `of-${id}`, id, 'h1')
    }
    world.index.away = true
    await expect(world.intake.remove('eta', 'stuck')).rejects.toThrow('the index is away')
    expect(await listed('eta')).toEqual([['stuck', true]])
    // What can be reached is gone at once; the knowledge is not what it was only when the indexes have let go.
    expect(await keysHolding(redis, [WORD])).toEqual(['test:answer:eta:v1:of-other', 'test:questions:eta:v1'])
    await accept('eta', 'other', 'h2')
    await later()
    await expect(world.copies.forgetDue(10)).rejects.toThrow('1 of 2')
    expect(await listed('eta')).toEqual([['stuck', false]])
    world.index.away = false
    const before = await world.knowledge.version('eta')
    await later()
    await world.copies.forgetDue(10)
    expect(world.index.asked).toEqual(expect.arrayContaining(['eta stuck']))
    expect(await world.knowledge.version('eta')).not.toBe(before)
    expect(await listed('eta')).toEqual([])
  })

  // The last: it takes Redis away.
  test('while Redis is away documents are deleted and replaced all the same, and their copies go once it is back', async () => {
    for (const id of ['gone', 'changed']) {
      await accept('zeta', id, 'h1')
      await keepAnswer('zeta', `of-${id}`, id, 'h1')
    }
    await tell('zeta', 'tkt-z', 'gone')
    await server.kill9()
    await expect.poll(() => redis.status, { timeout: 10_000 }).not.toBe('ready')
    expect(await world.intake.remove('zeta', 'gone')).toBe(true)
    expect(await accept('zeta', 'changed', 'h2')).toEqual({ kind: 'queued' })
    expect((await listed('zeta')).toSorted()).toEqual([
      ['changed', true],
      ['gone', true],
    ])
    await expect(world.copies.forgetDue(10)).rejects.toThrow()
    expect(await listed('zeta')).toHaveLength(2)
    await server.restart('keep')
    await untilReady(redis, 20_000)
    expect(await keysHolding(redis, [WORD])).not.toEqual([])
    // Asked again some seconds after it could not be reached.
    await database.asSystem('test', 'UPDATE copies_to_forget SET due_at = now()')
    await world.copies.forgetDue(10)
    expect(await keysHolding(redis, [WORD])).toEqual([])
    // Looked after once more, for what was on its way when they went.
    expect((await listed('zeta')).toSorted()).toEqual([
      ['changed', false],
      ['gone', false],
    ])
    await later()
    await world.copies.forgetDue(10)
    expect(await listed('zeta')).toEqual([])
  })
})
