import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createAesGcmSealer } from '#shared/adapters/sealing/sealer.aes-gcm.ts'
import { createConversationStore } from '#shared/adapters/state/conversation-store.postgres.ts'
import { createCustomerRecords } from '#shared/adapters/state/customer-records.postgres.ts'
import { createEscalationStore } from '#shared/adapters/state/escalation-store.postgres.ts'
import { createIdempotencyStore } from '#shared/adapters/state/idempotency-store.postgres.ts'
import { createJournal } from '#shared/adapters/state/journal.postgres.ts'
import { countSealedRows, reseal } from '#shared/adapters/state/reseal.ts'
import { createRunLog } from '#shared/adapters/state/run-log.postgres.ts'
import { createTicketStore } from '#shared/adapters/state/ticket-store.postgres.ts'
import type { Database } from '#shared/database/client.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import { newRun } from '#test/contracts/run-log.contract.ts'
import { sampleTicket } from '#test/fakes/sample-facts.ts'
import { onEveryDatabase } from '#test/servers/databases.ts'

const NOW = new Date('2026-11-20T12:00:00Z')
const [OLD, NEW] = [randomBytes(32), randomBytes(32)]
const SECRET = 'Quillfeather'
const JOURNAL_KEY = (runId: string) => ({ tenantId: 'acme', runId, step: 'generate', visit: 1, requestHash: 'h' })

const stores = (database: Database, sealer: Sealer) => ({
  runs: createRunLog(database, sealer),
  tickets: createTicketStore(database, { sealer }),
  conversations: createConversationStore(database, sealer),
  escalations: createEscalationStore(database, sealer),
  idempotency: createIdempotencyStore(database, sealer),
  journal: createJournal(database, sealer),
})

/** One row of every kind that holds words of or to a customer. */
async function furnish(database: Database, sealer: Sealer, name: string) {
  const { tickets, conversations, escalations, idempotency, journal } = stores(database, sealer)
  const ticket = sampleTicket({ id: `tkt_${name}`, tenantId: 'acme', conversationId: `cnv_${name}`, body: `I am ${SECRET}` })
  const run = newRun({ id: `run_${name}`, tenantId: 'acme', subjectId: ticket.id, given: { ticket } })
  await tickets.accept({ ticket, run })
  await tickets.addFeedback({
    id: `fb_${name}`,
    tenantId: 'acme',
    ticketId: ticket.id,
    rating: 'up',
    comment: SECRET,
    createdAt: NOW,
  })
  const reply = { id: `msg_${name}`, tenantId: 'acme', conversationId: ticket.conversationId, ticketId: ticket.id, runId: run.id }
  await conversations.claim('acme', ticket.conversationId, ticket.requester.id, NOW)
  const turn = {
    ticketId: ticket.id,
    asked: `Who is ${SECRET}?`,
    answered: `You, ${SECRET}.`,
    author: 'machine',
    at: NOW,
  } as const
  await conversations.deliver(
    { ...reply, author: 'machine', body: `Dear ${SECRET}`, citations: [], createdAt: NOW },
    undefined,
    turn,
  )
  await conversations.summarise('acme', ticket.conversationId, { text: `about ${SECRET}`, until: NOW })
  const rest = { visit: 1, severity: 'P3', evidence: [], createdAt: NOW, expiresAt: NOW }
  await escalations.open({
    ...rest,
    id: `esc_${name}`,
    tenantId: 'acme',
    runId: run.id,
    ticketId: ticket.id,
    reason: SECRET,
    summary: SECRET,
  })
  await idempotency.claim('acme', `key_${name}`, 'r', 'h', NOW)
  await idempotency.settle('acme', `key_${name}`, { body: SECRET })
  const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 }
  await journal.record({
    ...{ key: JOURNAL_KEY(run.id), task: 'generate', tier: 'cheap', prompt: { id: 'p', version: 1, hash: 'h' } },
    ...{ provider: 'o', model: 'm', usage, costUsd: 0, latencyMs: 1, startedAt: NOW, result: { kind: 'reply', text: SECRET } },
  })
}

async function readBack(database: Database, sealer: Sealer, name: string) {
  const { runs, conversations, escalations, idempotency, journal } = stores(database, sealer)
  const history = await conversations.history('acme', `cnv_${name}`)
  const kept = await idempotency.claim('acme', `key_${name}`, 'r', 'h', NOW)
  const whole = JSON.stringify([
    (await runs.load(`run_${name}`))?.facts,
    (await runs.attempts('acme', `run_${name}`))[0]?.factsWritten,
    (await conversations.replyOf('acme', `run_${name}`))?.body,
    [history.turns[0]?.asked, history.turns[0]?.answered, history.summary?.text],
    [await escalations.ofRun('acme', `run_${name}`)].map((one) => [one?.reason, one?.summary]),
    kept.kind === 'replayed' && kept.response,
    (await journal.find(JOURNAL_KEY(`run_${name}`)))?.result,
  ])
  return JSON.parse(whole.replaceAll(name, 'NAME')) as unknown
}

const everyRow = async (database: Database) => {
  const tables = await database.asSystem(
    'a test looks at all',
    "SELECT table_name AS t FROM information_schema.tables WHERE table_schema = 'public'",
  )
  const rows = await Promise.all(tables.map(({ t }) => database.asSystem('a test looks at all', `SELECT * FROM "${String(t)}"`)))
  return JSON.stringify(rows)
}
const total = (found: Awaited<ReturnType<typeof reseal>>, state: 'current' | 'older' | 'unsealed' | 'unreadable') =>
  found.reduce((sum, one) => sum + one[state], 0)

onEveryDatabase((database) => {
  test('rows from before there was a key are readable, and sealed by a rotation; after the next one the old key is not needed', async () => {
    const [none, old, both, fresh] = [[], [OLD], [NEW, OLD], [NEW]].map(createAesGcmSealer) as [Sealer, Sealer, Sealer, Sealer]
    await furnish(database(), none, 'before')
    expect(await everyRow(database())).toContain(SECRET)
    const plain = await readBack(database(), old, 'before')
    expect(JSON.stringify(plain).split(SECRET)).toHaveLength(11)

    await furnish(database(), old, 'after')
    expect(await readBack(database(), old, 'after')).toEqual(plain)
    const looked = await reseal(database(), old, { write: false, onProgress: () => {} })
    expect([total(looked, 'current'), total(looked, 'unsealed'), total(looked, 'older')]).toEqual([10, 10, 0])

    let done = 0
    const sealed = await reseal(database(), old, { write: true, onProgress: (rows) => (done = rows) })
    expect(done).toBe(await countSealedRows(database()))
    expect([total(sealed, 'current'), total(sealed, 'unsealed')]).toEqual([20, 0])
    expect(await everyRow(database())).not.toContain(SECRET)
    expect(await readBack(database(), old, 'before')).toEqual(plain)

    const lost = await reseal(database(), fresh, { write: true, onProgress: () => {} })
    expect([total(lost, 'unreadable'), total(lost, 'current')]).toEqual([20, 0])
    expect(await readBack(database(), old, 'before')).toEqual(plain)

    await reseal(database(), both, { write: true, onProgress: () => {} })
    expect(await readBack(database(), fresh, 'before')).toEqual(plain)
    expect(await readBack(database(), fresh, 'after')).toEqual(plain)
    await expect(readBack(database(), old, 'before')).rejects.toThrow('add that key to PII_KEYS')
  })

  test('a rotation can be stopped and run again, and brings nobody back who was erased meanwhile', async () => {
    const sealer = createAesGcmSealer([randomBytes(32)])
    await furnish(database(), createAesGcmSealer([]), 'erased')
    const stop = new AbortController()
    const stopped = reseal(database(), sealer, {
      write: true,
      onProgress: () => stop.abort(new Error('enough')),
      signal: stop.signal,
    })
    await expect(stopped).rejects.toThrow('enough')
    await database().asSystem('the run ends', "UPDATE runs SET status = 'answered' WHERE id = 'run_erased'")
    const records = createCustomerRecords(database(), { cache: { evict: async () => {} }, prefix: 'test' })
    const requester = sampleTicket().requester.id
    expect((await records.erase('acme', requester)).tickets).toBeGreaterThan(0)
    await reseal(database(), sealer, { write: true, onProgress: () => {} })
    const facts = (await createRunLog(database(), sealer).load('run_erased'))?.facts
    expect(facts?.['ticket']).toMatchObject({ body: 'erased' })
    expect((await createConversationStore(database(), sealer).replyOf('acme', 'run_erased'))?.body).toBe('')
  })
})
