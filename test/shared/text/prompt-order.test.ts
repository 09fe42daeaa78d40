import { expect, test } from 'vitest'
import { promptOrder } from '#shared/text/prompt-order.ts'

const passage = (n: number, more: { start?: number; neighbourOf?: number } = {}) => ({
  n,
  chunkId: `c${n}`,
  documentId: 'd',
  start: 0,
  ...more,
})
const order = (passages: ReturnType<typeof passage>[], by: 'edges' | 'rank') => promptOrder(passages, by).map(({ n }) => n)

test('the best stand first and last, the least in the middle; numbers stay', () => {
  const five = [1, 2, 3, 4, 5].map((n) => passage(n))
  expect(order(five, 'edges')).toEqual([1, 3, 5, 4, 2])
  expect(order(five, 'rank')).toEqual([1, 2, 3, 4, 5])
  expect(order(five.slice(0, 2), 'edges')).toEqual([1, 2])
  expect(order([], 'edges')).toEqual([])
})

test('what stands beside a passage in its document stands beside it for the model, in the order of the document', () => {
  const passages = [
    passage(1, { start: 500 }),
    passage(2),
    passage(3),
    passage(4, { start: 900, neighbourOf: 1 }),
    passage(5, { start: 100, neighbourOf: 1 }),
  ]
  expect(order(passages, 'edges')).toEqual([5, 1, 4, 3, 2])
  expect(order(passages, 'rank')).toEqual([5, 1, 4, 2, 3])
})
