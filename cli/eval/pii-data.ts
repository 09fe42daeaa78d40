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

const NAMES_SOMETHING =
  /Microsoft|Contoso|Fabrikam|Adatum|Tailspin|Litware|Woodgrove|Northwind|Wingtip|\d{3}|[@/\\<>|`*#[\]]|(?:Janu|Febru)ary|March|April|May|June|July|August|(?:Septem|Octo|Novem|Decem)ber|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|United|America|Europe|China|Japan|India|Germany|France/

/** Sentences about products, of the articles: many words with capitals, and none that names a person, a place or a date. */
export function readProductSentences(folder: string): string[] {
  const articles = readdirSync(join(folder, 'msft_support_kb')).filter((file) => file.startsWith('kb_'))
  return articles
    .toSorted()
    .flatMap((file) =>
      readFileSync(join(folder, 'msft_support_kb', file), 'utf8')
        .trimEnd()
        .split('\n'),
    )
    .flatMap((line) => JSON.parse(line).sections.flatMap(({ t }: { t: string }) => t.split(/\n+|(?<=[.?!]) (?=[A-Z])/)))
    .filter(
      (sentence) =>
        sentence.length > 20 && sentence.length < 160 && /[a-z] [A-Z]/.test(sentence) && !NAMES_SOMETHING.test(sentence),
    )
}
