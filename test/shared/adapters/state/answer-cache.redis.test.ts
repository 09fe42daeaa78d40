import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRedisAnswerCache } from '#shared/adapters/state/answer-cache.redis.ts'
import type { AnswerCache, CachedAnswer } from '#shared/ports/answer-cache.ts'
import { sampleAnswer, sampleVerdict } from '#test/fakes/sample-facts.ts'
import { keysHolding } from '#test/servers/keys-holding.ts'
import { hasRedis } from '#test/servers/redis.ts'
import { type QueueWorld, queueWorld } from './queue-world.ts'

const cached = (ticketId: string, question = ''): CachedAnswer => ({
  answer: sampleAnswer(),
  verdict: sampleVerdict('deliver'),
  ticketId,
  sources: [{ documentId: 'kb-1', contentHash: 'hash-1' }],
  question,
})

describe.skipIf(!hasRedis)('with a real Redis (needs redis-server on PATH)', () => {
  let world: QueueWorld
  let cache: AnswerCache
  beforeAll(async () => {
    world = await queueWorld()
    cache = createRedisAnswerCache(world.redis, 'test')
  })
  afterAll(() => world.close())

  test('an answer is found as it was put in, and the latest of two', async () => {
    await cache.put('acme', 'v1.en', 'k', cached('tkt_1'), 60_000)
    expect(await cache.get('acme', 'v1.en', 'k')).toEqual(cached('tkt_1'))
    await cache.put('acme', 'v1.en', 'k', cached('tkt_2'), 60_000)
    expect(await cache.get('acme', 'v1.en', 'k')).toEqual(cached('tkt_2'))
    expect(await cache.get('acme', 'v1.en', 'another')).toBeUndefined()
  })

  test('a partition is a wall, also for names that hold what separates names', async () => {
    await cache.put('acme', 'a:b', 'c', cached('tkt_wall'), 60_000)
    const others: [string, string, string][] = [
      ['globex', 'a:b', 'c'],
      ['acme', 'a', 'b:c'],
      ['acme:a', 'b', 'c'],
      ['acme', 'a%3Ab', 'c'],
      ['acme', '', 'a:b:c'],
      ['acme', 'A:B', 'c'],
    ]
    for (const [tenant, partition, key] of others) expect(await cache.get(tenant, partition, key)).toBeUndefined()
    expect((await cache.get('acme', 'a:b', 'c'))?.ticketId).toBe('tkt_wall')
  })

  test('what is damaged, or of an older form, is a miss', async () => {
    const values = ['', '{', 'null', '[]', '{"answer":{}}', JSON.stringify({ ...cached('t'), answer: { text: 'no citations' } })]
    for (const value of values) {
      await cache.put('acme', 'v1', 'damaged', cached('tkt_1'), 60_000)
      const [name] = await world.redis.keys('test:answer:acme:v1:*')
      await world.redis.set(name!, value)
      expect(await cache.get('acme', 'v1', 'damaged'), value).toBeUndefined()
      await world.redis.del(name!)
    }
  })

  test('an answer goes when its time is over', async () => {
    await cache.put('acme', 'v1', 'brief', cached('tkt_1'), 300)
    await expect.poll(() => cache.get('acme', 'v1', 'brief'), { timeout: 10_000 }).toBeUndefined()
    await cache.put('acme', 'v1', 'long', cached('tkt_1'), 3_600_000)
    expect(await world.redis.pttl('test:answer:acme:v1:long')).toBeGreaterThan(3_000_000)
  })

  test('questions come in the order they were put, page by page, and a partition shows none of another', async () => {
    for (const n of [1, 2, 3]) await cache.put('acme', 'q', `k${n}`, cached(`t${n}`, `question ${n}?`), 60_000)
    await cache.put('acme', 'q', 'silent', cached('t4'), 60_000)
    await cache.put('globex', 'q', 'k9', cached('t9', 'their question'), 60_000)
    const [first, second, ...more] = await cache.questions('acme', 'q', '', 2)
    expect([first, second, ...more].map((one) => [one?.key, one?.text])).toEqual([
      ['k1', 'question 1?'],
      ['k2', 'question 2?'],
    ])
    expect((await cache.questions('acme', 'q', second!.cursor, 10)).map(({ key }) => key)).toEqual(['k3'])
    expect(await cache.questions('acme', 'Q', '', 10)).toEqual([])
  })

  test('an evicted answer is gone with its question, and the same question put anew is listed once', async () => {
    await cache.put('acme', 'e', 'k', cached('t', 'a marmalade question'), 60_000)
    await cache.put('acme', 'e', 'k', cached('t2', 'a marmalade question'), 60_000)
    await cache.put('acme', 'e', 'other', cached('t', 'another'), 60_000)
    expect(await cache.questions('acme', 'e', '', 10)).toHaveLength(2)
    await cache.evict('acme', 'e', 'k')
    await cache.evict('acme', 'e', 'k')
    expect(await cache.get('acme', 'e', 'k')).toBeUndefined()
    expect((await cache.questions('acme', 'e', '', 10)).map(({ key }) => key)).toEqual(['other'])
    expect(await keysHolding(world.redis, ['marmalade'])).toEqual([])
  })

  test('a question whose answer’s time was over is not listed with the next', async () => {
    await cache.put('acme', 't', 'brief', cached('t', 'asked long ago'), 200)
    await cache.put('acme', 't', 'long', cached('t', 'asked for long'), 60_000)
    await expect.poll(() => cache.get('acme', 't', 'brief'), { timeout: 10_000 }).toBeUndefined()
    await cache.put('acme', 't', 'next', cached('t', 'asked now'), 200)
    const listed = (await cache.questions('acme', 't', '', 10)).map(({ key }) => key)
    expect(listed).not.toContain('brief')
    expect(listed).toContain('next')
  })

  describe('what cites a document goes with it', () => {
    const citing = (name: string, ...sources: [string, string][]): CachedAnswer => ({
      ...cached('t', `${name} asked`),
      answer: sampleAnswer({ text: `${name} told` }),
      sources: sources.map(([documentId, contentHash]) => ({ documentId, contentHash })),
    })

    test('in every partition, answer and question, and nothing else', async () => {
      await cache.put('acme', 'v1:en', 'a:1', citing('quince', ['kb:1', 'h1']), 60_000)
      await cache.put('acme', 'v2', 'b', citing('medlar', ['kb-0', 'h0'], ['kb:1', 'h1']), 60_000)
      await cache.put('acme', 'v2', 'c', citing('damson', ['kb', 'h1']), 60_000)
      await cache.put('globex', 'v2', 'b', citing('sorb', ['kb:1', 'h1']), 60_000)
      await cache.forgetDocument('acme', 'kb:1')
      expect(await keysHolding(world.redis, ['quince', 'medlar', 'kb:1', 'kb%3A1'])).toEqual([
        'test:answer:globex:v2:b',
        'test:cites:globex:kb%3A1',
      ])
      expect((await cache.get('acme', 'v2', 'c'))?.answer.text).toBe('damson told')
      expect((await cache.get('globex', 'v2', 'b'))?.answer.text).toBe('sorb told')
      expect((await cache.questions('acme', 'v2', '', 10)).map(({ key }) => key)).toEqual(['c'])
      await cache.forgetDocument('acme', 'kb:1')
      await cache.forgetDocument('nobody', 'nothing')
    })

    test('of a document that was replaced, the answers of its present version stay', async () => {
      for (const n of [1, 2, 3, 4])
        await cache.put('acme', 'w', `k${n}`, citing(`pear${n}`, ['kb-9', n % 2 ? 'old' : 'new']), 60_000)
      await cache.forgetDocument('acme', 'kb-9', 'new')
      expect(await keysHolding(world.redis, ['pear1', 'pear3', 'old:'])).toEqual([])
      expect((await cache.questions('acme', 'w', '', 10)).map(({ key }) => key)).toEqual(['k2', 'k4'])
    })

    test('however many there are, and no more are kept than are listed', async () => {
      const some = createRedisAnswerCache(world.redis, 'test', 1_200)
      const put = (n: number) => some.put('acme', 'm', `k${n}`, citing(`plum${n}`, ['kb-m', n % 3 ? 'h' : 'new']), 60_000 + n)
      for (let n = 0; n < 1_250; n += 50) await Promise.all(Array.from({ length: 50 }, (_, i) => put(n + i)))
      expect(await world.redis.zcard('test:cites:acme:kb-m')).toBe(1_200)
      expect(await world.redis.keys('test:answer:acme:m:*')).toHaveLength(1_200)
      await some.forgetDocument('acme', 'kb-m', 'new')
      const left = await world.redis.keys('test:answer:acme:m:*')
      expect(left).toHaveLength(await world.redis.zcard('test:cites:acme:kb-m'))
      expect(left.every((name) => Number(name.split('k').at(-1)) % 3 === 0)).toBe(true)
      await some.forgetDocument('acme', 'kb-m')
      expect(await keysHolding(world.redis, ['plum', 'kb-m'])).toEqual([])
    })

    test('a list lives as long as what it lists, and what is over is taken from it', async () => {
      await cache.put('acme', 'z', 'brief', citing('haw', ['kb-z', 'h']), 200)
      await expect.poll(() => cache.get('acme', 'z', 'brief'), { timeout: 10_000 }).toBeUndefined()
      await cache.put('acme', 'z', 'long', citing('hip', ['kb-z', 'h']), 3_600_000)
      await cache.put('acme', 'z', 'short', citing('hop', ['kb-z', 'h']), 60_000)
      expect(await world.redis.zrange('test:cites:acme:kb-z', '0', '-1')).toEqual(['h:z:short', 'h:z:long'])
      expect(await world.redis.pttl('test:cites:acme:kb-z')).toBeGreaterThan(3_000_000)
      expect(await world.redis.pttl('test:questions:acme:z')).toBeGreaterThan(3_000_000)
    })
  })

  test('while Redis is away the caller is told at once', async () => {
    await world.server.kill9()
    await expect.poll(() => world.redis.status, { timeout: 5_000 }).not.toBe('ready')
    await expect(cache.get('acme', 'v1', 'k')).rejects.toThrow()
    await expect(cache.put('acme', 'v1', 'k', cached('t'), 1_000)).rejects.toThrow()
    await expect(cache.forgetDocument('acme', 'kb-1')).rejects.toThrow()
  })
})
