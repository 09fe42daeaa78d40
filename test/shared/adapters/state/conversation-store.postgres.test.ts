import { expect, test } from 'vitest'
import { createConversationStore } from '#shared/adapters/state/conversation-store.postgres.ts'
import { createRunLog } from '#shared/adapters/state/run-log.postgres.ts'
import type { Reply } from '#shared/ports/conversation-store.ts'
import { newRun } from '#test/contracts/run-log.contract.ts'
import { onEveryDatabase } from '#test/servers/databases.ts'

let names = 0
function newReply(change: Partial<Reply> = {}): Reply {
  const name = ++names
  return {
    id: `msg_${name}`,
    tenantId: 'acme',
    conversationId: 'cnv_1',
    ticketId: `tkt_${name}`,
    runId: `run_${name}`,
    author: 'machine',
    body: 'You may – 日本語 🙂 [1]',
    citations: [{ n: 1, documentId: 'kb-1', chunkId: 'c-1', title: 'Returns', quote: '14 days' }],
    createdAt: new Date('2026-11-21T12:00:00.000Z'),
    ...change,
  }
}

onEveryDatabase((database) => {
  test('a reply is found as it was delivered, by its own tenant only', async () => {
    const store = createConversationStore(database())
    const reply = newReply()
    expect(await store.deliver(reply)).toEqual(reply)
    expect(await store.replyOf('acme', reply.runId)).toEqual(reply)
    expect(await store.replyOf('somebody-else', reply.runId)).toBeUndefined()
  })

  test('a run has one reply and one callback, also when twenty deliver at the same moment', async () => {
    const store = createConversationStore(database())
    const runs = createRunLog(database())
    const reply = newReply()
    const callback = newRun({ pipeline: 'deliver-callback', given: { callback: { url: 'https://example.com' } } })
    const tries = Array.from({ length: 20 }, (_, i) => ({ ...reply, id: `${reply.id}_${i}`, body: `try ${i}` }))
    const standing = await Promise.all(tries.map((one) => store.deliver(one, callback)))
    expect(new Set(standing.map(({ id, body }) => `${id} ${body}`)).size).toBe(1)
    const sql = 'SELECT count(*) AS n FROM replies WHERE tenant_id = $1 AND run_id = $2'
    expect(await database().forTenant('acme', sql, [reply.runId])).toEqual([{ n: 1 }])
    expect(await runs.load(callback.id)).toMatchObject({ seq: 0, status: 'queued', facts: callback.given })
    expect(await runs.attempts(callback.tenantId, callback.id)).toHaveLength(1)
  })

  test('a callback that has moved on is not begun again by a repeat', async () => {
    const store = createConversationStore(database())
    const runs = createRunLog(database())
    const reply = newReply()
    const callback = newRun({ pipeline: 'deliver-callback' })
    await store.deliver(reply, callback)
    const sql = "UPDATE runs SET status = 'done', seq = 3 WHERE tenant_id = $1 AND id = $2"
    await database().forTenant(callback.tenantId, sql, [callback.id])
    expect(await store.deliver({ ...reply, body: 'another' }, callback)).toEqual(reply)
    expect(await runs.load(callback.id)).toMatchObject({ status: 'done', seq: 3 })
  })

  test('a person’s and a machine’s reply to one run: the first stands', async () => {
    const store = createConversationStore(database())
    const machine = newReply()
    await store.deliver(machine)
    expect(await store.deliver({ ...machine, id: 'msg_person', author: 'person', body: 'mine' })).toEqual(machine)
  })

  test('a reply with characters that PostgreSQL refuses goes out without them', async () => {
    const store = createConversationStore(database())
    const [citation] = newReply().citations
    const odd = newReply({ body: 'a\u0000b\ud800', citations: [{ ...citation!, quote: 'q\u0000' }] })
    expect(await store.deliver(odd)).toMatchObject({ body: 'a\uFFFDb\uFFFD', citations: [{ quote: 'q\uFFFD' }] })
  })
})
