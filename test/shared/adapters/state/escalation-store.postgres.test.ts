import { expect, test } from 'vitest'
import { createEscalationStore } from '#shared/adapters/state/escalation-store.postgres.ts'
import type { Escalation } from '#shared/ports/escalation-store.ts'
import { onEveryDatabase } from '#test/servers/databases.ts'

const NOW = new Date('2026-11-21T12:00:00.000Z')
const LATER = new Date('2026-11-21T13:00:00.000Z')
let names = 0

type New = Omit<Escalation, 'claimedBy' | 'claimedAt' | 'resolution' | 'resolvedBy' | 'resolvedAt'>
function newEscalation(change: Partial<New> = {}): New {
  const name = ++names
  return {
    id: `esc_${name}`,
    tenantId: `tenant-${name}`,
    runId: `run_${name}`,
    ticketId: `tkt_${name}`,
    visit: 1,
    severity: 'P2',
    reason: 'unsupported',
    summary: 'The customer asks – 日本語',
    evidence: [
      { title: 'Returns', url: 'https://example.com/r', text: '14 days' },
      { title: 'No link', text: 'x' },
    ],
    createdAt: NOW,
    expiresAt: LATER,
    ...change,
  }
}
const OPEN = { claimedBy: null, claimedAt: null, resolution: null, resolvedBy: null, resolvedAt: null }

onEveryDatabase((database) => {
  test('an escalation is found as it was opened, by its id and by its run, by its own tenant only', async () => {
    const store = createEscalationStore(database())
    const wanted = newEscalation()
    const { tenantId, id, runId } = wanted
    expect(await store.open(wanted)).toEqual({ ...wanted, ...OPEN })
    expect(await store.find(tenantId, id)).toEqual({ ...wanted, ...OPEN })
    expect(await store.ofRun(tenantId, runId)).toEqual({ ...wanted, ...OPEN })
    expect(await store.find('somebody-else', id)).toBeUndefined()
    expect(await store.ofRun('somebody-else', runId)).toBeUndefined()
    expect(await store.claim('somebody-else', id, 'eve', NOW)).toBe(false)
    await store.resolve('somebody-else', runId, 'dismissed', 'eve', NOW)
    expect(await store.find(tenantId, id)).toEqual({ ...wanted, ...OPEN })
  })

  test('one visit of a run has one escalation, however often and however concurrently it is opened; the next visit another', async () => {
    const store = createEscalationStore(database())
    const first = newEscalation()
    const tries = Array.from({ length: 20 }, (_, i) => ({ ...first, id: `${first.id}_${i}`, summary: `try ${i}` }))
    const opened = await Promise.all(tries.map((one) => store.open(one)))
    expect(new Set(opened.map(({ id }) => id)).size).toBe(1)
    expect(new Set(opened.map(({ summary }) => summary)).size).toBe(1)
    const second = await store.open({ ...first, id: `${first.id}_again`, visit: 2 })
    expect(second.id).toBe(`${first.id}_again`)
    expect((await store.ofRun(first.tenantId, first.runId))?.id).toBe(second.id)
    expect(await store.list(first.tenantId, { open: true, limit: 10 })).toHaveLength(2)
  })

  test('one person claims; the same may again, without a new time; another may not', async () => {
    const store = createEscalationStore(database())
    const { tenantId, id } = await store.open(newEscalation())
    const people = ['ada', 'bob', 'cyd', 'dan', 'eve']
    const claims = await Promise.all(people.map((by) => store.claim(tenantId, id, by, NOW)))
    expect(claims.filter(Boolean)).toHaveLength(1)
    const winner = people[claims.indexOf(true)]!
    expect(await store.claim(tenantId, id, winner, LATER)).toBe(true)
    expect(await store.find(tenantId, id)).toMatchObject({ claimedBy: winner, claimedAt: NOW })
    expect(await store.claim(tenantId, 'esc_nobody', winner, NOW)).toBe(false)
    expect(await store.list(tenantId, { open: true, claimedBy: winner, limit: 10 })).toHaveLength(1)
    expect(await store.list(tenantId, { open: true, claimedBy: 'zoe', limit: 10 })).toEqual([])
  })

  test('the queue is read page by page, the most urgent first, also where many came in one moment and one is resolved meanwhile', async () => {
    const store = createEscalationStore(database())
    const tenantId = `queue-${++names}`
    for (const severity of ['P2', 'P0', 'P2', 'P1', 'P2', 'P0']) await store.open(newEscalation({ tenantId, severity }))
    const read: Escalation[] = []
    for (let after: string | undefined; ; after = read.at(-1)!.id) {
      const page = await store.list(tenantId, { open: true, limit: 2, ...(after === undefined ? {} : { after }) })
      if (page.length === 0) break
      read.push(...page)
      await store.resolve(tenantId, page.at(-1)!.runId, 'answered', 'ada', LATER)
    }
    expect(read.map(({ severity }) => severity)).toEqual(['P0', 'P0', 'P1', 'P2', 'P2', 'P2'])
    expect(new Set(read.map(({ id }) => id)).size).toBe(6)
    expect(await store.list(tenantId, { open: true, limit: 2, after: 'esc_nobody' })).toEqual([])
    expect(await store.list('somebody-else', { open: true, limit: 2, after: read[0]!.id })).toEqual([])
  })

  test('only what is open is resolved, and what is resolved is not claimed', async () => {
    const store = createEscalationStore(database())
    const first = await store.open(newEscalation())
    const { tenantId, runId } = first
    await store.resolve(tenantId, runId, 'answered', 'ada', LATER)
    const second = await store.open({ ...first, id: `${first.id}_2`, visit: 2 })
    await store.resolve(tenantId, runId, 'expired', null, NOW)
    expect(await store.find(tenantId, first.id)).toMatchObject({ resolution: 'answered', resolvedBy: 'ada', resolvedAt: LATER })
    expect(await store.find(tenantId, second.id)).toMatchObject({ resolution: 'expired', resolvedBy: null, resolvedAt: NOW })
    expect(await store.claim(tenantId, first.id, 'bob', NOW)).toBe(false)
    expect(await store.list(tenantId, { open: true, limit: 10 })).toEqual([])
    expect(await store.list(tenantId, { open: false, limit: 10 })).toHaveLength(2)
  })

  test('the list shows the gravest first, then the oldest, up to the limit', async () => {
    const store = createEscalationStore(database())
    const { tenantId } = newEscalation()
    await store.open(newEscalation({ tenantId, id: 'late P2', severity: 'P2', createdAt: LATER }))
    await store.open(newEscalation({ tenantId, id: 'early P2', severity: 'P2' }))
    await store.open(newEscalation({ tenantId, id: 'late P0', severity: 'P0', createdAt: LATER }))
    const listed = async (limit: number) => (await store.list(tenantId, { open: true, limit })).map(({ id }) => id)
    expect(await listed(10)).toEqual(['late P0', 'early P2', 'late P2'])
    expect(await listed(1)).toEqual(['late P0'])
  })

  test('a summary with characters that PostgreSQL refuses still reaches a person', async () => {
    const store = createEscalationStore(database())
    const odd = newEscalation({ reason: 'r\u0000', summary: 's\u0000\ud800', evidence: [{ title: 't\u0000', text: '\ud800' }] })
    expect(await store.open(odd)).toMatchObject({
      reason: 'r\uFFFD',
      summary: 's\uFFFD\uFFFD',
      evidence: [{ title: 't\uFFFD', text: '\uFFFD' }],
    })
  })
})
