import { readFileSync } from 'node:fs'
import * as z from 'zod'
import type { Passage } from '#shared/domain/passage.ts'

const Turn = z.object({ r: z.string(), t: z.string() })
const Line = z
  .object({
    claim: z.string().optional(),
    answer: z.string().optional(),
    question: z.string().optional(),
    history: z.array(Turn).optional(),
    evidence: z.array(z.string()).optional(),
    doc: z.string().optional(),
    contexts: z.array(z.string()).optional(),
    consistent: z.union([z.literal(0), z.literal(1), z.boolean()]).optional(),
    label: z.string().optional(),
    faith_median: z.number().optional(),
    claim_id: z.string().optional(),
    page: z.string().optional(),
    task: z.string().optional(),
  })
  .refine(({ claim, answer }) => (claim ?? answer) !== undefined, 'a line needs `claim` or `answer`')
/** A document as a text, or in sections as `eval retrieval` takes them. */
const Source = z
  .object({
    id: z.string(),
    title: z.string().nullish(),
    text: z.string().optional(),
    sections: z.array(z.object({ h: z.string().nullish(), t: z.string() })).optional(),
  })
  .transform(({ id, title, text, sections }, context) => {
    const whole = text ?? sections?.map(({ h, t }) => (h ? `${h}\n${t}` : t)).join('\n\n')
    if (whole === undefined) context.addIssue({ code: 'custom', message: 'a document needs `text` or `sections`' })
    return { id, title, text: whole ?? '' }
  })

export type Judged = {
  /** Rows of one group share their source: they are never parted between training and measuring. */
  readonly group: string
  readonly text: string
  readonly asked: string
  readonly passages: readonly Passage[]
  readonly faithful: boolean
}

const linesOf = (path: string): unknown[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line))

const passageOf = (title: string, text: string, at: number): Passage => ({
  n: at + 1,
  chunkId: `source-${at}`,
  documentId: `source-${at}`,
  title,
  section: [],
  text,
  start: 0,
  end: text.length,
  scores: { fused: 1 },
})

/** @throws Error that names the file and line, when a line has neither text nor evidence nor label, or cites an unknown document */
export function readJudged(dataFile: string, docFiles: readonly string[]): Judged[] {
  const sources = new Map(
    docFiles
      .flatMap((file) =>
        linesOf(file).map((row, at) => {
          const source = Source.safeParse(row)
          if (!source.success) throw new Error(`${file}:${at + 1}: ${source.error.issues[0]?.message}`)
          return source.data
        }),
      )
      .map((source) => [source.id, source]),
  )
  const find = (id: string, at: number): Passage => {
    const source = sources.get(id)
    if (!source) throw new Error(`${dataFile}: document "${id}" is in none of the --docs files`)
    return passageOf(source.title ?? '', source.text, at)
  }
  return linesOf(dataFile).map((row, at) => {
    const parsed = Line.safeParse(row)
    if (!parsed.success) throw new Error(`${dataFile}:${at + 1}: ${parsed.error.issues[0]?.message}`)
    const line = parsed.data
    const passages = line.evidence
      ? [passageOf('', line.evidence.join('\n'), 0)]
      : line.contexts
        ? line.contexts.map(find)
        : line.doc === undefined
          ? undefined
          : [find(line.doc, 0)]
    const faithful = labelOf(line)
    if (passages === undefined || faithful === undefined)
      throw new Error(`${dataFile}:${at + 1}: needs evidence, doc or contexts, and consistent, label or faith_median`)
    return {
      // Turns of one conversation, and claims of one page, share more than their documents.
      group: line.task?.split('<::>', 1)[0] ?? line.page ?? line.claim_id ?? line.doc ?? String(at),
      text: (line.claim ?? line.answer)!,
      // The customer's turns count as evidence, the assistant's do not.
      asked: [...(line.history ?? []).filter(({ r }) => r.startsWith('u')).map(({ t }) => t), line.question ?? '']
        .join('\n')
        .trim(),
      passages,
      faithful,
    }
  })
}

function labelOf({ consistent, label, faith_median: median }: z.infer<typeof Line>): boolean | undefined {
  if (consistent !== undefined) return consistent === 1 || consistent === true
  if (label !== undefined) return label === 'supported'
  return median === undefined ? undefined : median >= 3
}
