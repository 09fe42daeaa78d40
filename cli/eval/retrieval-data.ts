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

export const EvalQuery = z.object({
  id: z.string(),
  kind: z.string().default('all'),
  text: z.string(),
  /** Documents that answer; empty when none does and the right thing is to abstain. */
  gold: z.array(z.string()),
  /** The document that the query was taken from; dropped from rankings. */
  from: optionalText,
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
 * Chunks as the product would make them. Product, area and path, which a help centre shows as breadcrumbs, lead the section.
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
  }
  const crumbs = [field('product'), field('area'), ...breadcrumbs(field('path'))].filter((crumb) => crumb !== undefined)
  const unique = [...new Set(crumbs)]
  return chunkDocument(document.id, 'eval', parsed).map((chunk) => ({ ...chunk, section: [...unique, ...chunk.section] }))
}

const breadcrumbs = (path: string | undefined): string[] =>
  (path ?? '')
    .replace(/\.md$/, '')
    .split('/')
    .map((part) => part.replace(/[-_]/g, ' '))
    .filter(Boolean)
