import { expect, test } from 'vitest'
import { groupByTenant } from '#shared/database/group-by-tenant.ts'

test('calls made together are one statement a tenant, and each gets its own result', async () => {
  const asked: [string, readonly number[]][] = []
  const double = groupByTenant(async (tenantId: string, items: readonly number[]) => {
    asked.push([tenantId, items])
    return items.map((item) => `${tenantId}:${2 * item}`)
  })
  const results = await Promise.all([double('a', 1), double('b', 2), double('a', 3)])
  expect(results).toEqual(['a:2', 'b:4', 'a:6'])
  expect(asked).toEqual([
    ['a', [1, 3]],
    ['b', [2]],
  ])
})

test('a read that was asked for later begins later: it never sees what stood there before it was asked for', async () => {
  let stored = 1
  let finishFirst = () => {}
  const slow = new Promise<void>((resolve) => (finishFirst = resolve))
  let calls = 0
  const read = groupByTenant(async (_tenantId: string, items: readonly undefined[]) => {
    const seen = stored
    if (++calls === 1) await slow
    return items.map(() => seen)
  })
  const early = read('a', undefined)
  while (calls === 0) await new Promise((resolve) => setImmediate(resolve))
  stored = 2
  const late = read('a', undefined)
  finishFirst()
  expect(await Promise.all([early, late])).toEqual([1, 2])
})

test('what one tenant cannot be told does not fail the others', async () => {
  const read = groupByTenant(async (tenantId: string, items: readonly undefined[]) => {
    if (tenantId === 'broken') throw new Error('no')
    return items.map(() => tenantId)
  })
  const [sound, broken] = await Promise.allSettled([read('sound', undefined), read('broken', undefined)])
  expect([sound, broken]).toMatchObject([{ status: 'fulfilled', value: 'sound' }, { status: 'rejected' }])
})
