import { describe, expect, test } from 'vitest'
import { candidatesIn, findLeaks, personalTicket, QUICK_LEAKS } from '#test/bench/leaks.ts'
import { postgresBin } from '#test/servers/postgres.ts'
import { hasRedis } from '#test/servers/redis.ts'
import { seededRandom } from '#test/simulator/seeded-random.ts'

const missing = [...(hasRedis ? [] : ['redis-server']), ...(postgresBin === undefined ? ['a PostgreSQL server'] : [])]
const needs = missing.length === 0 ? '' : ` (needs ${missing.join(' and ')})`

describe.skipIf(missing.length > 0)(`personal data${needs}`, () => {
  test('is readable nowhere: not in logs, Redis, tables, traces or index files, and in tables not even what no mask has found', async () => {
    const { leaks, looked, underWay, screened, answered, sealed, values } = await findLeaks({ ...QUICK_LEAKS, say: () => {} })
    expect([leaks, underWay]).toEqual([{}, 0])
    expect(screened).toBeGreaterThanOrEqual(QUICK_LEAKS.tickets)
    expect(answered).toBeGreaterThan(QUICK_LEAKS.tickets / 2)
    expect(sealed).toBeGreaterThan(5 * QUICK_LEAKS.tickets)
    expect(values).toBeGreaterThan(3 * QUICK_LEAKS.tickets)
    for (const kind of ['table', 'redis', 'traces', 'file']) expect(looked[kind], kind).toBeGreaterThan(0)
  }, 180_000)
})

test('every value that is sent would be found', () => {
  const random = seededRandom(3)
  for (let n = 0; n < 300; n++) {
    const { body, values, unknowable } = personalTicket(n, random)
    expect(candidatesIn(JSON.stringify({ body })).sort()).toEqual([...values, unknowable].sort())
  }
})
