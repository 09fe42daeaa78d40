import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TaggedType } from '#workers/logic/pii-tagger.ts'
import type { TaggedText } from '#workers/logic/pii-tagger-training.ts'
import { type Draw, slotsOf } from './pii-slots.ts'

/** A linear congruential generator (Numerical Recipes): the same seed gives the same texts. */
export const seeded = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

const FOLDER = join(import.meta.dirname, '../../test/data/pii')

/** Own sentences with slots such as `{name}`; the file says how they are written. */
export const readMoulds = (): string[] =>
  readFileSync(join(FOLDER, 'moulds.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replaceAll('\\n', '\n'))

export const readSlots = (random: () => number) => slotsOf(JSON.parse(readFileSync(join(FOLDER, 'values.json'), 'utf8')), random)

/** Every mould `times` times, each time with other values. @throws Error for an unknown slot */
export function writtenFrom(moulds: readonly string[], times: number, random: () => number): TaggedText[] {
  const slots = readSlots(random)
  return moulds.flatMap((mould) =>
    Array.from({ length: mould.includes('{') ? times : 1 }, () => recased(filled(mould, slots), random)),
  )
}

function filled(mould: string, slots: Readonly<Record<string, Draw>>): TaggedText {
  let text = ''
  let at = 0
  const spans: { type: TaggedType; start: number; end: number }[] = []
  for (const { index, 0: slot } of mould.matchAll(/\{[a-z-]+\}/g)) {
    const draw = slots[slot.slice(1, -1)]
    if (!draw) throw new Error(`unknown slot ${slot} in "${mould}"`)
    const [type, value] = draw()
    text += mould.slice(at, index) + value
    spans.push({ type, start: text.length - value.length, end: text.length })
    at = index + slot.length
  }
  return { text: text + mould.slice(at), spans }
}

/** People in a hurry write all small, angry ones all large; where that moves an offset, the text stays. */
function recased(row: TaggedText, random: () => number): TaggedText {
  const luck = random()
  const text = luck < 0.1 ? row.text.toLowerCase() : luck < 0.12 ? row.text.toUpperCase() : row.text
  return text.length === row.text.length ? { ...row, text } : row
}
