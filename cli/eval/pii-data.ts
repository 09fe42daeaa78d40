import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { TAGGED_TYPES } from '#workers/logic/pii-tagger.ts'
import type { TaggedText } from '#workers/logic/pii-tagger-training.ts'

const Line = z.object({
  text: z.string(),
  /** Texts of one template are of one mould: what is tested on one must not be trained on the other. */
  template: z.union([z.string(), z.number()]).optional(),
  spans: z.array(z.object({ type: z.string(), start: z.int().nonnegative(), end: z.int().positive() })),
})
const KNOWN = new Set<string>(TAGGED_TYPES)

/** Offsets in the file are code points; ours are UTF-16 units. @throws Error that names the line */
export function readTagged(file: string): TaggedText[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, at) => {
      const parsed = Line.safeParse(JSON.parse(line))
      if (!parsed.success)
        throw new Error(`${file}:${at + 1}: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`)
      const { text, spans, template } = parsed.data
      const units = unitsOf(text)
      return {
        text,
        ...(template === undefined ? {} : { template: String(template) }),
        spans: spans.map(({ type, start, end }) => {
          if (!KNOWN.has(type)) throw new Error(`${file}:${at + 1}: unknown type "${type}"; there are ${TAGGED_TYPES.join(', ')}`)
          if (units[start] === undefined || units[end] === undefined)
            throw new Error(`${file}:${at + 1}: a span ends behind its text`)
          return { type: type as (typeof TAGGED_TYPES)[number], start: units[start], end: units[end] }
        }),
      }
    })
}

function unitsOf(text: string): number[] {
  const units: number[] = [0]
  for (const character of text) units.push(units.at(-1)! + character.length)
  return units
}

/** The texts of a folder of the evaluation data, in the order of its files. */
export function readMessages(folder: string, name: string): string[] {
  return readdirSync(join(folder, name))
    .filter((file) => file.endsWith('.jsonl'))
    .toSorted()
    .flatMap((file) =>
      readFileSync(join(folder, name, file), 'utf8')
        .trimEnd()
        .split('\n'),
    )
    .map((line) => String(JSON.parse(line).text))
}
