import type { TaggedType } from '#workers/logic/pii-tagger.ts'
import type { TaggedText } from '#workers/logic/pii-tagger-training.ts'
import type { Draw } from './pii-slots.ts'

type Slots = Readonly<Record<string, Draw>>

/** A slot that writes a value of the same kind, or nothing where the form of the value matters. */
function slotFor(type: TaggedType, value: string, random: () => number): string | undefined {
  const count = value.split(' ').length
  if (type === 'PERSON') return count > 1 ? 'name' : random() < 0.5 ? 'first' : 'last'
  if (type === 'GPE') return value.length === 2 ? 'code' : 'place'
  // `Mr.` stands where a profession cannot.
  if (type === 'TITLE') return value.length < 6 ? 'title' : 'job'
  if (type === 'ZIP_CODE') return 'zip'
  return ({ ORGANIZATION: 'org', NRP: 'nation', AGE: 'age' } as const)[type as string]
}

/** The same texts with other people's values (mention replacement; Dai and Adel, COLING 2020), drawn by `slotsOf`. */
export function swapped(texts: readonly TaggedText[], slots: Slots, random: () => number): TaggedText[] {
  return texts.flatMap(({ text, spans }) => {
    if (spans.length === 0) return []
    let copy = ''
    let at = 0
    const moved = spans
      .toSorted((a, b) => a.start - b.start)
      .map(({ type, start, end }) => {
        const value = text.slice(start, end)
        const slot = value.includes('\n') || random() < KEPT ? undefined : slotFor(type, value, random)
        const drawn = slot === undefined ? value : slots[slot]!()[1]
        const other = value === value.toLowerCase() ? drawn.toLowerCase() : drawn
        copy += text.slice(at, start) + other
        at = end
        return { type, start: copy.length - other.length, end: copy.length }
      })
    return [{ text: copy + text.slice(at), spans: moved }]
  })
}
/** Real values have forms that no slot writes. */
const KEPT = 0.25
