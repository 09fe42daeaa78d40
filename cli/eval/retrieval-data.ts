import { readFileSync } from 'node:fs'
import * as z from 'zod'
import type { Chunk } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import { chunkDocument } from '#workers/logic/chunk-document.ts'

const optionalText = z
  .string()
  .nullish()
  .transform((text) => text ?? undefined)

/** A document of the public evaluation format: with sections (`t`ext under `h`eading of `l`evel) or as one text. */
export const EvalDocument = z.object({
  id: z.string(),
  title: optionalText,
  description: optionalText,
  product: optionalText,
  area: optionalText,
  path: optionalText,
  text: z.string().optional(),
  sections: z
    .array(
      z.object({
        h: z.string().nullable(),
        l: z.int().nullable(),
        t: z.string(),
        /** States the symptoms that queries quote; left out for the kinds that do. */
        sym: z.boolean().optional(),
      }),
    )
    .optional(),
})
export type EvalDocument = z.infer<typeof EvalDocument>

const Turn = z.object({ r: z.enum(['u', 'a']), t: z.string() })
/** A query, or the last question of a conversation. */
export const EvalQuery = z
  .object({
    id: z.string().optional(),
    kind: z.string().optional(),
    /** Of a conversation's question; stands in for its kind. */
    answerability: z.string().optional(),
    text: z.string().optional(),
    question: z.string().optional(),
    history: z.array(Turn).default([]),
    /** Documents that answer; empty when none does and the right thing is to abstain. */
    gold: z.array(z.string()),
    /** The document that the query was taken from; dropped from rankings. */
    from: optionalText,
    /** Of the retired document that a query without an answer was taken from; a query that says something else tells symptoms. */
    title: optionalText,
  })
  .transform(({ text, question, kind, answerability, ...rest }, context) => {
    const asked = text ?? question
    if (asked === undefined) context.addIssue({ code: 'custom', message: 'text or question is needed' })
    return { ...rest, kind: kind ?? answerability?.toLowerCase() ?? 'all', text: asked ?? '' }
  })
export type EvalQuery = z.infer<typeof EvalQuery>

/** @throws Error naming file and line when one does not fit */
export function readLines<T>(path: string, schema: z.ZodType<T>): T[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line, at) => {
      if (line.trim() === '') return []
      try {
        return [schema.parse(JSON.parse(line))]
      } catch (error) {
        throw new Error(`${path}:${at + 1}: ${(error as Error).message}`)
      }
    })
}

/**
 * Chunks as the product would make them. `area`, which a help centre shows as a breadcrumb, leads the section; `path` is the address.
 * @param without fields that must not help
 */
export function chunksOfEvalDocument(document: EvalDocument, without: ReadonlySet<string>, maskSymptoms: boolean): Chunk[] {
  const field = (name: 'title' | 'description' | 'product' | 'area' | 'path') => (without.has(name) ? undefined : document[name])
  const sections = (document.sections ?? []).filter(({ sym }) => !(maskSymptoms && sym))
  const text = [
    field('description'),
    document.text,
    ...sections.map(({ h, l, t }) => (h ? `${'#'.repeat(Math.min(Math.max(l ?? 2, 1), 6))} ${h}\n\n${t}` : t)),
  ]
  const parsed: ParsedDocument = {
    title: field('title') ?? '',
    text: text.filter((part) => part !== undefined && part !== '').join('\n\n') || (field('title') ?? ''),
    structure: 'markdown',
    audience: 'public',
    ...optional('product', field('product')),
    ...optional('url', urlOf(field('path'))),
  }
  const area = field('area')
  const chunks = chunkDocument(document.id, 'eval', parsed)
  return area === undefined ? chunks : chunks.map((chunk) => ({ ...chunk, section: [area, ...chunk.section] }))
}

const optional = (name: 'product' | 'url', value: string | undefined) => (value === undefined ? {} : { [name]: value })
/** A path in a repository becomes the path of an address, which the product knows of every document that has one. */
const urlOf = (path: string | undefined) => path && encodeURI(`https://docs.invalid/${path}`)
