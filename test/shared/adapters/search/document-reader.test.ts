import { expect, test } from 'vitest'
import { FieldedIndex } from '#shared/adapters/search/fielded-index.ts'
import { MatchRoom, matchPassages } from '#shared/adapters/search/match-passages.ts'
import { SIGNALS } from '#shared/ports/search-index.ts'
import { contentTerms } from '#shared/text/tokenize.ts'

type Name = (typeof SIGNALS)[number]

/** Documents by id, each a list of chunks; chunk n of the i-th document has the key `100 * i + n`. */
function indexOf(documents: Readonly<Record<string, readonly string[]>>): FieldedIndex {
  const index = new FieldedIndex()
  Object.entries(documents).forEach(([id, chunks], i) => {
    const terms = { title: [], path: [], chunks: chunks.map((text) => ({ section: [], text: contentTerms(text) })) }
    index.add(
      id,
      terms,
      chunks.map((_, n) => ({ audience: 'public' as const, key: 100 * i + n })),
    )
  })
  return index
}

function signalsOf(index: FieldedIndex, query: string) {
  const found = matchPassages(index, new MatchRoom(), query, () => true, 50)
  return (key: number, name: Name) => found.find((one) => one.key === key)?.signals[SIGNALS.indexOf(name)]
}

const FILLER = Array.from({ length: 12 }, (_, i) => `unrelated filler number${i} talks of weather`)
const filler = Object.fromEntries(FILLER.map((text, i) => [`filler-${i}`, [text]]))

test('words that begin alike meet, in a text that holds none of the words of the query', () => {
  const index = indexOf({
    near: ['the configuration of the mailbox', 'about encrypted letters'],
    far: ['mailbox confines', 'about enclaves'],
    ...filler,
  })
  const signal = signalsOf(index, 'mailbox configured for encryption')
  expect(signal(0, 'beginnings')).toBeGreaterThan(signal(100, 'beginnings')!)
})

test('what a removed document began with is forgotten', () => {
  const index = indexOf({ near: ['the configuration of the mailbox'], other: ['a mailbox'], ...filler })
  const before = signalsOf(index, 'mailbox configured')(0, 'beginnings')!
  index.add('more', { title: [], path: [], chunks: [{ section: [], text: ['configurator'] }] }, [
    { audience: 'public', key: 999 },
  ])
  expect(signalsOf(index, 'mailbox configured')(0, 'beginnings')).toBeLessThan(before)
  index.remove('more')
  expect(signalsOf(index, 'mailbox configured')(0, 'beginnings')).toBeCloseTo(before, 6)
})

test('the beginning of a document tells of its subject, whichever passage matched', () => {
  const index = indexOf({
    subject: ['a sensor for water', 'the sensor blinks red'],
    aside: ['prices and plans', 'the sensor blinks red'],
    ...filler,
  })
  const signal = signalsOf(index, 'sensor water')
  expect(signal(1, 'lead')).toBe(signal(0, 'lead'))
  expect(signal(1, 'lead')).toBeGreaterThan(0)
  expect(signal(101, 'lead')).toBe(0)
})

test('names of a query and its own words are told from those that every report holds', () => {
  const index = indexOf({
    named: ['Teams shows nothing at all here'],
    reported: ['an issue occurs, you receive an error message, gateway'],
    ...filler,
  })
  const signal = signalsOf(index, 'an issue occurs in Teams and you receive an error message about the gateway')
  expect(signal(0, 'names')).toBe(1)
  expect(signal(100, 'names')).toBe(0)
  expect(signal(100, 'distinctive')).toBeLessThan(signal(100, 'documentCoverage')!)
  expect(signalsOf(index, 'teams and gateway')(0, 'names')).toBe(0)
})

test('the rarest words of a query count wherever in the document they stand', () => {
  const index = indexOf({ spread: ['alpha weather', 'beta weather', 'gamma weather'], part: ['alpha weather'], ...filler })
  const signal = signalsOf(index, 'weather alpha beta gamma')
  expect(signal(0, 'rareThree')).toBe(1)
  expect(signal(100, 'rareThree')).toBeCloseTo(1 / 3, 6)
})

test('lengths are told against the average, so that they mean the same in every knowledge', () => {
  const alike = { a: ['alpha red'], b: ['alpha blue'], c: ['alpha green'] }
  expect(signalsOf(indexOf(alike), 'alpha')(0, 'length')).toBeCloseTo(0, 6)
  const index = indexOf({ long: [`alpha ${'word '.repeat(50)}`], ...alike })
  expect(signalsOf(index, 'alpha')(0, 'length')).toBeGreaterThan(0)
  expect(signalsOf(index, 'alpha')(100, 'length')).toBeLessThan(0)
})

test('a book among articles is read at its beginning only', () => {
  const chapters = Array.from({ length: 400 }, (_, i) => (i < 300 ? 'weather' : 'weather omega'))
  const signal = signalsOf(indexOf({ book: chapters, ...filler }), 'weather omega')
  expect(signal(300, 'rarest')).toBe(0)
  expect(signal(300, 'coverage')).toBe(1)
})
