import { expect, test } from 'vitest'
import { seededRandom } from '#test/simulator/seeded-random.ts'
import { hasDayData, MIX, makeDay } from './day-mix.ts'

test.skipIf(!hasDayData)(
  'a day is the same for the same seed, has its shares, and repeats its questions (needs ../shared)',
  () => {
    const [day, again] = [makeDay(1_000, seededRandom(7)), makeDay(1_000, seededRandom(7))]
    expect(again).toEqual(day)
    expect(day.tickets).toHaveLength(1_000)
    expect(day.repeats).toBeGreaterThan(200)
    expect(day.repeats).toBeLessThan(900)
    expect(Object.values(MIX).reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
    const tiers = Map.groupBy(day.tickets, ({ requester }) => requester.tier)
    expect(tiers.get('free')!.length).toBeGreaterThan(tiers.get('enterprise')!.length)
    const asked = new Set(day.tickets.map(({ body }) => body))
    // What teaches the classifier is not what it is asked.
    expect(day.examples.filter(({ text }) => asked.has(text)).length).toBeLessThan(day.examples.length / 50)
    expect(day.documents.every(({ text }) => text.length > 0)).toBe(true)
  },
)
