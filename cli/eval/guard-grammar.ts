import * as z from 'zod'

const Slot = z.strictObject({ slot: z.string(), values: z.array(z.string()).min(1) })
const Family = z.strictObject({
  kind: z.string(),
  family: z.string(),
  label: z.union([z.literal(0), z.literal(1)]),
  count: z.int().positive(),
  templates: z.array(z.string()).min(1),
})
/** A slot with what may stand in it, or a family of templates with `{slots}` and how many sentences to make of them. */
export const GrammarLine = z.union([Slot, Family])
export type GrammarRow = { readonly text: string; readonly label: 0 | 1; readonly kind: string; readonly family: string }

const SLOT = /\{([a-zA-Z_0-9]{1,12})\}/g
const MAX_DEPTH = 4
const MAX_DRAWS = 20

/**
 * Sentences from templates: each family's templates in turn, each slot drawn anew, no sentence of a family twice. The same lines and
 * random give the same rows. What stands in braces and is no slot stays as it is.
 */
export function grammarRows(lines: readonly z.infer<typeof GrammarLine>[], random: () => number): GrammarRow[] {
  const slots = new Map(lines.flatMap((line) => ('slot' in line ? [[line.slot, line.values] as const] : [])))
  const fill = (text: string, depth: number): string =>
    text.replace(SLOT, (whole, name: string) => {
      const values = slots.get(name)
      return values && depth > 0 ? fill(values[Math.floor(random() * values.length)]!, depth - 1) : whole
    })
  return lines.flatMap((line) => {
    if ('slot' in line) return []
    const { kind, family, label, count, templates } = line
    const texts = new Set<string>()
    for (let draw = 0; texts.size < count && draw < count * MAX_DRAWS; draw++)
      texts.add(fill(templates[draw % templates.length]!, MAX_DEPTH).trim())
    return [...texts].map((text) => ({ text, label, kind, family }))
  })
}
