import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newDocumentSet } from '#pipelines/new-document-set.ts'
import { createDocumentSetSchedules } from '#shared/adapters/state/document-set-schedules.postgres.ts'
import { createDocumentSetStore } from '#shared/adapters/state/document-set-store.postgres.ts'
import { Database } from '#shared/database/client.ts'
import { openPgliteInMemory } from '#shared/database/engine.pglite.ts'
import { migrate } from '#shared/database/migrate.ts'
import type { SetOrder } from '#shared/domain/document-set.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { sampleTenant } from '#test/fakes/sample-facts.ts'
import { cancelRuns, endSets } from '#workers/document-sets/end-sets.ts'
import { alignSchedules, fireOverdue, fireSchedule } from '#workers/document-sets/fire-schedules.ts'
import type { SetDesk } from '#workers/document-sets/set-desk.ts'

let database: Database
beforeAll(async () => {
  database = new Database(await openPgliteInMemory())
  await migrate(database)
}, 60_000)
afterAll(() => database.close())
const sql = (text: string, params: readonly unknown[] = []) => database.asSystem('the test plays the rest', text, params)
beforeEach(async () => {
  for (const table of ['document_set_items', 'document_sets', 'document_set_schedules', 'documents', 'runs', 'attempts'])
    await sql(`DELETE FROM ${table}`)
})

const ORDER: SetOrder = {
  name: 'nightly',
  lane: 'offline',
  settings: { task: 'contextualise' },
  callbackUrl: 'https://example.com/told',
}
const TENANT = sampleTenant().id

function desk() {
  const clock = steadyClock()
  const known = new Set<string>()
  const log = recordingLog()
  const moved: string[] = []
  const one: SetDesk = {
    documentSets: createDocumentSetStore(database),
    schedules: createDocumentSetSchedules(database),
    jobSchedules: {
      ids: async () => new Set(known),
      put: async ({ id }) => void known.add(id),
      remove: async (id) => void known.delete(id),
    },
    mover: {
      async move(runId) {
        moved.push(runId)
        await sql("UPDATE runs SET status = 'cancelled' WHERE id = $1", [runId])
        return { moved: true, state: {} as never }
      },
    },
    tenants: { get: async () => sampleTenant() },
    clock,
    log,
  }
  return { desk: one, clock, known, moved }
}
async function put(one: SetDesk, id: string, documents: number) {
  const draft = { id, tenantId: TENANT, order: ORDER, scheduleId: null, traceId: 't', createdAt: one.clock.now() }
  await one.documentSets.create(
    newDocumentSet(
      draft,
      Array.from({ length: documents }, (_, i) => ({ documentId: `kb-${i}` })),
    ),
  )
}
const endRuns = (setId: string, status: string, positions = [0, 1]) =>
  sql(
    'UPDATE runs SET status = $2 WHERE id IN (SELECT run_id FROM document_set_items WHERE set_id = $1 AND position = ANY($3))',
    [setId, status, positions],
  )
const callbacks = () =>
  sql("SELECT facts_written FROM attempts a JOIN runs r ON r.id = a.run_id WHERE r.pipeline = 'send-webhook'")
const stateOf = async (one: SetDesk, id: string) => (await one.documentSets.find(TENANT, id))?.state

describe('the end of a set', () => {
  test('comes when its last document has ended, once, with one callback', async () => {
    const { desk: one } = desk()
    await put(one, 'set_1', 2)
    await endRuns('set_1', 'dead', [0])
    expect(await endSets(one)).toBe(0)
    await endRuns('set_1', 'closed', [1])
    expect(await Promise.all([endSets(one), endSets(one)])).toEqual(expect.arrayContaining([1, 0]))
    expect(await stateOf(one, 'set_1')).toBe('completed')
    const [callback, ...more] = await callbacks()
    expect(more).toEqual([])
    const { delivery } = callback!['facts_written'] as { delivery: { url: string; body: string } }
    expect(delivery.url).toBe('https://example.com/told')
    expect(JSON.parse(delivery.body)).toMatchObject({
      type: 'document-set.completed',
      data: { documentSetId: 'set_1', progress: { failed: 1, total: 2 } },
    })
  })

  test('is a cancellation when something was cancelled, and none when everything was done already', async () => {
    const { desk: one, moved } = desk()
    await put(one, 'set_1', 2)
    await put(one, 'set_2', 2)
    await endRuns('set_2', 'done')
    for (const id of ['set_1', 'set_2']) expect(await one.documentSets.cancel(TENANT, id)).toBe('cancelling')
    expect(await cancelRuns(one, new AbortController().signal)).toBe(2)
    expect(moved).toHaveLength(2)
    expect(await endSets(one)).toBe(2)
    expect([await stateOf(one, 'set_1'), await stateOf(one, 'set_2')]).toEqual(['cancelled', 'completed'])
  })

  test('a document that is being collected is not cancelled any more: what is paid for is kept', async () => {
    const { desk: one, moved } = desk()
    await put(one, 'set_1', 2)
    await sql(
      "UPDATE runs SET step = 'collect' WHERE id = (SELECT run_id FROM document_set_items WHERE set_id = 'set_1' AND position = 0)",
    )
    await one.documentSets.cancel(TENANT, 'set_1')
    await cancelRuns(one, new AbortController().signal)
    expect(moved).toHaveLength(1)
    expect(await endSets(one)).toBe(0)
  })
})

describe('schedules', () => {
  const document = (id: string, contentHash: string, metadata = '{}') =>
    sql(
      `INSERT INTO documents (tenant_id, id, title, body, content_type, audience, content_hash, run_id, state, metadata, created_at, updated_at)
       VALUES ($1, $2, '', '', 'text/plain', 'public', $3, 'run_x', 'indexed', $4::jsonb, now(), now())
       ON CONFLICT (tenant_id, id) DO UPDATE SET content_hash = EXCLUDED.content_hash`,
      [TENANT, id, contentHash, metadata],
    )
  async function nightly(one: SetDesk) {
    const nextAt = new Date('2026-11-21T12:00:00.000Z')
    const rest = {
      query: { changedSince: 'last-run' as const },
      cron: '0 2 * * *',
      timeZone: 'Europe/Berlin',
      lastAt: null,
      lastSetId: null,
    }
    await one.schedules.add({
      id: 'sch_1',
      tenantId: TENANT,
      order: { ...ORDER, settings: { task: 'faq', maxPairs: 3, index: true } },
      nextAt,
      createdAt: nextAt,
      ...rest,
    })
  }
  const due = () => sql("UPDATE document_set_schedules SET next_at = next_at - interval '2 days'")

  test('make one set for one time, whoever fires it and however often, and then wait for the next night of their zone', async () => {
    const { desk: one } = desk()
    await document('kb-1', 'v1')
    await nightly(one)
    const fired = await Promise.all([fireSchedule(one, 'sch_1'), fireSchedule(one, 'sch_1')])
    expect(fired.filter(({ kind }) => kind === 'made').length).toBeGreaterThan(0)
    expect(await one.documentSets.list(TENANT, { limit: 10 })).toHaveLength(1)
    expect((await one.schedules.load('sch_1'))!.nextAt.toISOString()).toBe('2026-11-22T01:00:00.000Z')
    expect(await fireSchedule(one, 'sch_1')).toMatchObject({ kind: 'too-early' })
    expect(await fireSchedule(one, 'sch_none')).toEqual({ kind: 'gone' })
  })

  test('digest only what changed since, and never what a set has made', async () => {
    const { desk: one } = desk()
    await document('kb-1', 'v1')
    await document('kb-2', 'v1')
    await document('faq-of-kb-1', 'v1', '{"madeBy": "digest-document"}')
    await nightly(one)
    expect(await fireSchedule(one, 'sch_1')).toMatchObject({ kind: 'made', documents: 2 })
    await due()
    expect(await fireSchedule(one, 'sch_1')).toEqual({ kind: 'nothing-to-do' })
    await document('kb-2', 'v2')
    await due()
    expect(await fireSchedule(one, 'sch_1')).toMatchObject({ kind: 'made', documents: 1 })
    // A document whose run died was not handled: it comes again.
    await sql("UPDATE runs SET status = 'dead' WHERE subject_id = 'kb-2'")
    await due()
    expect(await fireSchedule(one, 'sch_1')).toMatchObject({ kind: 'made', documents: 1 })
  })

  test('fire by their row when their job was lost, and make up for missed nights by one set', async () => {
    const { desk: one } = desk()
    await document('kb-1', 'v1')
    await nightly(one)
    expect(await fireOverdue(one, 5_000)).toBe(0)
    await due()
    expect(await fireOverdue(one, 5_000)).toBe(1)
    expect(await fireOverdue(one, 5_000)).toBe(0)
    expect(await one.documentSets.list(TENANT, { limit: 10 })).toHaveLength(1)
  })

  test('come back to a queue that lost its memory, and leave it when they are removed', async () => {
    const { desk: one, known } = desk()
    await nightly(one)
    expect(await alignSchedules(one)).toBe(1)
    known.clear()
    known.add('sch_of_before')
    expect(await alignSchedules(one)).toBe(2)
    expect([...known]).toEqual(['sch_1'])
    await one.schedules.remove(TENANT, 'sch_1')
    expect(await alignSchedules(one)).toBe(1)
    expect(known.size).toBe(0)
  })
})
