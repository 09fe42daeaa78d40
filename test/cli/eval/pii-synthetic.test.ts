import { expect, test } from 'vitest'
import { swapped } from '#cli/eval/pii-swaps.ts'
import { readMoulds, readSlots, seeded, writtenFrom } from '#cli/eval/pii-synthetic.ts'

test('a mould is filled with values of its slots, and every span is where its value is', () => {
  const rows = writtenFrom(['I am {first}, {age}, from {country}.'], 30, seeded(1))
  expect(rows).toHaveLength(30)
  expect(new Set(rows.map(({ text }) => text)).size).toBeGreaterThan(20)
  for (const { text, spans } of rows) {
    expect(spans.map(({ type }) => type)).toEqual(['PERSON', 'AGE', 'GPE'])
    const [first, age, country] = spans.map(({ start, end }) => text.slice(start, end))
    expect(text.toLowerCase()).toBe(`i am ${first}, ${age}, from ${country}.`.toLowerCase())
    expect(age).toMatch(/^\d+$/)
  }
})

test('the same seed writes the same texts, and all moulds can be filled', () => {
  const moulds = readMoulds()
  expect(moulds.length).toBeGreaterThan(400)
  const rows = writtenFrom(moulds, 1, seeded(9))
  expect(rows).toEqual(writtenFrom(moulds, 1, seeded(9)))
  for (const { text, spans } of rows) for (const { start, end } of spans) expect(text.slice(start, end).trim()).not.toBe('')
  expect(rows.filter(({ text }) => /\{[a-z-]+\}/.test(text))).toEqual([])
})

test('an unknown slot is refused by its name', () => {
  expect(() => writtenFrom(['Hello {colour}'], 1, seeded(1))).toThrow('unknown slot {colour}')
})

test('swapping keeps the sentence and the types, and moves the spans', () => {
  const row = {
    text: 'Ask Ann Lee in Ohio.',
    spans: [{ type: 'PERSON', start: 4, end: 11 } as const, { type: 'GPE', start: 15, end: 19 } as const],
  }
  const random = seeded(3)
  const all = Array.from({ length: 20 }, () => swapped([row, { text: 'nobody', spans: [] }], readSlots(random), random))
  for (const rows of all) {
    expect(rows).toHaveLength(1)
    const [{ text, spans }] = rows as [(typeof rows)[number]]
    const [who, where] = spans.map(({ start, end }) => text.slice(start, end))
    expect(text).toBe(`Ask ${who} in ${where}.`)
  }
  expect(new Set(all.map(([one]) => one!.text)).size).toBeGreaterThan(10)
})
