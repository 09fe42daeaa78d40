import type { TaggedType } from '#workers/logic/pii-tagger.ts'
import type { TaggedText } from '#workers/logic/pii-tagger-training.ts'

const SWAPPED = new Set<TaggedType>(['PERSON', 'GPE', 'ORGANIZATION', 'NRP', 'AGE', 'TITLE'])
/** `Mr.` stands where a profession cannot. */
const poolOf = (type: TaggedType, value: string) =>
  type === 'TITLE' && value.length < 6 ? 'TITLE short' : `${type} ${value === value.toLowerCase()}`

/** The same texts with other people's values, drawn from all of them (mention replacement; Dai and Adel, COLING 2020). */
export function swapped(texts: readonly TaggedText[], random: () => number): TaggedText[] {
  const pools = new Map<string, string[]>()
  for (const { text, spans } of texts)
    for (const { type, start, end } of spans) {
      const value = text.slice(start, end)
      const pool = poolOf(type, value)
      if (SWAPPED.has(type) && !value.includes('\n')) pools.set(pool, [...(pools.get(pool) ?? []), value])
    }
  return texts.flatMap(({ text, spans }) => {
    if (spans.length === 0) return []
    let copy = ''
    let at = 0
    const moved = spans
      .toSorted((a, b) => a.start - b.start)
      .map(({ type, start, end }) => {
        const value = text.slice(start, end)
        const pool = pools.get(poolOf(type, value)) ?? [value]
        const other = SWAPPED.has(type) && !value.includes('\n') ? pool[Math.floor(random() * pool.length)]! : value
        copy += text.slice(at, start) + other
        at = end
        return { type, start: copy.length - other.length, end: copy.length }
      })
    return [{ text: copy + text.slice(at), spans: moved }]
  })
}
