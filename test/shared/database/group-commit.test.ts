import { expect, test } from 'vitest'
import { groupCommit } from '#shared/database/group-commit.ts'

/** A writer whose writes end only when the test says so. */
function gatedWriter() {
  const batches: number[][] = []
  const gates: PromiseWithResolvers<void>[] = []
  const write = async (items: readonly number[]) => {
    batches.push([...items])
    const gate = Promise.withResolvers<void>()
    gates.push(gate)
    await gate.promise
    return items.map((item) => item * 10)
  }
  return { batches, write, open: (n: number) => gates[n]!.resolve(), gates }
}
const tick = () => new Promise((resolve) => setImmediate(resolve))
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

test('a call goes out at once when nothing is under way', async () => {
  const { batches, write, open } = gatedWriter()
  const commit = groupCommit(write, { maxItems: 10, maxInFlight: 1 })
  const result = commit(1)
  await tick()
  expect(batches).toEqual([[1]])
  open(0)
  expect(await result).toBe(10)
})

test('calls made together travel together, in order, and each gets its own result', async () => {
  const { batches, write, open } = gatedWriter()
  const commit = groupCommit(write, { maxItems: 10, maxInFlight: 1 })
  const results = Promise.all(range(0, 7).map(commit))
  await tick()
  open(0)
  expect(await results).toEqual([0, 10, 20, 30, 40, 50, 60])
  expect(batches).toEqual([range(0, 7)])
})

test('calls that arrive while a write is under way wait for it and then go together, in order of arrival', async () => {
  const { batches, write, open } = gatedWriter()
  const commit = groupCommit(write, { maxItems: 100, maxInFlight: 1 })
  const results = [commit(0)]
  await tick()
  for (const n of range(1, 40)) {
    results.push(commit(n))
    await tick()
  }
  expect(batches).toEqual([[0]])
  open(0)
  await results[0]
  await tick()
  expect(batches).toEqual([[0], range(1, 40)])
  open(1)
  expect(await Promise.all(results)).toEqual(range(0, 40).map((n) => n * 10))
})

test('never writes more than the limit at once, and uses every write it may have under way', async () => {
  const { batches, write, open, gates } = gatedWriter()
  const commit = groupCommit(write, { maxItems: 10, maxInFlight: 3 })
  const results = Promise.all(range(0, 45).map(commit))
  await tick()
  expect(batches).toEqual([range(0, 10), range(10, 20), range(20, 30)])
  for (let n = 0; n < 5; n++) {
    while (gates.length <= n) await tick()
    open(n)
  }
  expect(await results).toEqual(range(0, 45).map((n) => n * 10))
  expect(batches.slice(3)).toEqual([range(30, 40), range(40, 45)])
})

test('an item that cannot be written fails alone', async () => {
  const writes: (readonly number[])[] = []
  const commit = groupCommit(
    async (items: readonly number[]) => {
      writes.push(items)
      if (items.includes(3)) throw new Error('three is refused')
      return items.map((item) => item * 10)
    },
    { maxItems: 10, maxInFlight: 2 },
  )
  const results = await Promise.allSettled(range(0, 6).map(commit))
  expect(results.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason)))).toEqual([
    0,
    10,
    20,
    'Error: three is refused',
    40,
    50,
  ])
  expect(await commit(7)).toBe(70)
  expect(writes[0]).toEqual(range(0, 6))
})

test('items of one key are written one after the other, and the others do not wait for them', async () => {
  const { batches, write, open, gates } = gatedWriter()
  const commit = groupCommit(write, { maxItems: 10, maxInFlight: 2, keyOf: (item) => String(item % 10) })
  const results = Promise.all([1, 2, 11, 21, 3].map(commit))
  await tick()
  expect(batches).toEqual([[1, 2, 3]])
  for (let n = 0; n < 3; n++) {
    while (gates.length <= n) await tick()
    open(n)
  }
  expect(await results).toEqual([10, 20, 110, 210, 30])
  expect(batches).toEqual([[1, 2, 3], [11], [21]])
})

test('bursts of items of one key never wait for each other for ever', async () => {
  const commit = groupCommit(
    async (items: readonly number[]) => {
      await tick()
      return items
    },
    { maxItems: 10, maxInFlight: 2, keyOf: (item) => String(item % 3) },
  )
  const results: Promise<number>[] = []
  for (const n of range(0, 60)) {
    results.push(commit(n))
    if (n % 4 === 0) await tick()
  }
  expect(await Promise.all(results)).toEqual(range(0, 60))
})

test('a failed write sets its keys free', async () => {
  const commit = groupCommit(
    async (items: readonly number[]) => {
      if (items.includes(1)) throw new Error('refused')
      return items
    },
    { maxItems: 10, maxInFlight: 1, keyOf: () => 'same' },
  )
  const [first, second] = await Promise.allSettled([commit(1), commit(2)])
  expect(first.status).toBe('rejected')
  expect(second).toEqual({ status: 'fulfilled', value: 2 })
})

test('a second write waits until it is worth its while, and the first one’s end lets go whatever is there', async () => {
  const { batches, write, open } = gatedWriter()
  const commit = groupCommit(write, { maxItems: 10, maxInFlight: 2, worthwhile: 4 })
  const results = [commit(0)]
  await tick()
  results.push(...range(1, 4).map(commit))
  await tick()
  expect(batches).toEqual([[0]])
  results.push(commit(4))
  await tick()
  expect(batches).toEqual([[0], range(1, 5)])
  results.push(commit(5))
  await tick()
  expect(batches).toHaveLength(2)
  open(0)
  await results[0]
  await tick()
  expect(batches).toHaveLength(2)
  open(1)
  await results[4]
  await tick()
  expect(batches).toEqual([[0], range(1, 5), [5]])
  open(2)
  expect(await Promise.all(results)).toEqual(range(0, 6).map((n) => n * 10))
})

test('two writes are evened out: the second waits for as many as the first carries, and takes half of all', async () => {
  const { batches, write, open } = gatedWriter()
  const commit = groupCommit(write, { maxItems: 64, maxInFlight: 2, worthwhile: 2 })
  const results = range(0, 6).map(commit)
  await tick()
  expect(batches).toEqual([range(0, 6)])
  results.push(...range(6, 11).map(commit))
  await tick()
  expect(batches).toHaveLength(1)
  results.push(...range(11, 16).map(commit))
  await tick()
  expect(batches).toEqual([range(0, 6), range(6, 14)])
  open(0)
  await results[0]
  await tick()
  // The two that were left wait for more as long as eight are being written.
  expect(batches).toHaveLength(2)
  open(1)
  await results[6]
  await tick()
  expect(batches).toEqual([range(0, 6), range(6, 14), range(14, 16)])
  open(2)
  expect(await Promise.all(results)).toEqual(range(0, 16).map((n) => n * 10))
})

test('whoever waits for company does not wait for a write that hangs', async () => {
  const { batches, write, open } = gatedWriter()
  const commit = groupCommit(write, { maxItems: 64, maxInFlight: 2, worthwhile: 8 })
  const results = [commit(0)]
  await tick()
  results.push(commit(1))
  await expect.poll(() => batches).toEqual([[0], [1]])
  open(1)
  expect(await results[1]).toBe(10)
  open(0)
  await Promise.all(results)
})

test('of a batch that fails, each entry is told as soon as its own try has ended', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const commit = groupCommit(
    async (items: readonly number[]) => {
      if (items.length > 1) throw new Error('broken connection')
      if (items[0] === 2) await promise
      return items
    },
    { maxItems: 10, maxInFlight: 1 },
  )
  const [first, slow] = [commit(1), commit(2)]
  expect(await first).toBe(1)
  resolve()
  expect(await slow).toBe(2)
})

test('calls that follow a write soon are gathered; one that comes alone goes out at once', async () => {
  const batches: number[][] = []
  const commit = groupCommit(
    async (items: readonly number[]) => {
      batches.push([...items])
      return items
    },
    { maxItems: 1_000, maxInFlight: 4, gatherMs: 50 },
  )
  const first = commit(0)
  await tick()
  expect(batches).toEqual([[0]])
  const others = []
  for (const n of range(1, 20)) {
    others.push(commit(n))
    await tick()
  }
  expect(await Promise.all([first, ...others])).toEqual(range(0, 20))
  expect(batches.flat()).toEqual(range(0, 20))
  // Twenty ticks fit into 50 ms many times; on a machine that is busy they may need a few more writes.
  expect(batches.length).toBeLessThan(10)
})
