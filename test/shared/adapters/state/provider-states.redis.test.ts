import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRedisProviderStates } from '#shared/adapters/state/provider-states.redis.ts'
import { applyEvent, type ProviderState, takeTrial } from '#shared/domain/provider-state.ts'
import { steadyClock } from '#test/fakes/clock.steady.ts'
import { recordingLog } from '#test/fakes/log.recording.ts'
import { hasRedis, startRedis } from '#test/servers/redis.ts'

const fail = (state: ProviderState, nowMs: number) => applyEvent(state, { kind: 'failed', atMs: nowMs, trial: false }, nowMs)
const begin = (state: ProviderState, nowMs: number) => applyEvent(state, { kind: 'begun', atMs: nowMs, trial: false }, nowMs)
const look = () => undefined

describe.skipIf(!hasRedis)('with a real Redis (needs redis-server on PATH)', () => {
  let server: Awaited<ReturnType<typeof startRedis>>
  let redis: Redis
  const open = (path: string) => {
    const client = new Redis({ path, enableOfflineQueue: false, maxRetriesPerRequest: 1, retryStrategy: () => 50 })
    client.on('error', () => {})
    return client
  }
  beforeAll(async () => {
    server = await startRedis()
    redis = open(server.socket)
    await new Promise((resolve) => redis.once('ready', resolve))
  })
  afterAll(async () => {
    redis.disconnect()
    await server.stop()
  })
  /** As another process sees it, with a clock that is an hour off. */
  const states = (log = recordingLog()) =>
    createRedisProviderStates(redis, 'test', { clock: steadyClock(), log, timeoutMs: 5_000 })

  test('no change is lost, however many processes make one at a time', async () => {
    const two = [states(), states()]
    for (let round = 0; round < 10; round++) await Promise.all(two.map((one) => one.update('busy', begin)))
    const { state, nowMs } = await two[0]!.update('busy', look)
    expect(state.seconds.reduce((sum, [, begun]) => sum + begun, 0)).toBe(20)
    expect(Math.abs(nowMs - Date.now())).toBeLessThan(60_000)
  })

  test('failures add up across processes, and all see the open breaker', async () => {
    const [one, other] = [states(), states()]
    for (let i = 0; i < 3; i++) await one.update('down', fail)
    for (let i = 0; i < 2; i++) await other.update('down', fail)
    for (const process of [one, other, states()]) expect((await process.update('down', look)).state.breaker).toBe('open')
  })

  test('of many who want to try, exactly three may', async () => {
    await states().update('trials', (state, nowMs) => Object.assign(state, { breaker: 'open', untilMs: nowMs - 1 }))
    const taken = []
    for (let i = 0; i < 4; i++)
      taken.push(...(await Promise.all([states().update('trials', takeTrial), states().update('trials', takeTrial)])))
    expect(taken.filter(({ result }) => result)).toHaveLength(3)
  })

  test('what it cannot read it takes for nothing known, and what it writes goes away by itself', async () => {
    await redis.set('test:provider:odd', '{"breaker":"ajar"}')
    expect((await states().update('odd', begin)).state.breaker).toBe('closed')
    expect(await redis.pttl('test:provider:odd')).toBeGreaterThan(60_000)
  })

  test('without Redis each process judges on its own, and says so once', async () => {
    const away = open(`${server.socket}-nobody`)
    const log = recordingLog()
    const alone = createRedisProviderStates(away, 'test', { clock: steadyClock(), log })
    for (let i = 0; i < 5; i++) await alone.update('down-alone', fail)
    expect((await alone.update('down-alone', look)).state.breaker).toBe('open')
    expect(log.lines.filter((line) => JSON.stringify(line).includes('Redis is away'))).toHaveLength(1)
    away.disconnect()
  })
})
