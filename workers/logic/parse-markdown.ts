import { parse as parseYaml } from 'yaml'
import * as z from 'zod'
import { Audience, type SourceDocument } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { ExtractedText } from '#shared/ports/text-extractor.ts'

/** What authors may say at the top of a Markdown file; anything else there is theirs and ignored. */
const FrontMatter = z.looseObject({
  title: z.coerce.string().max(500).optional().catch(undefined),
  url: z.url().max(2_000).optional().catch(undefined),
  product: z.coerce.string().max(200).optional().catch(undefined),
  audience: Audience.optional().catch(undefined),
  language: z
    .string()
    .regex(/^[a-z]{2,3}$/)
    .optional()
    .catch(undefined),
  updated: z.coerce.date().optional().catch(undefined),
})
type FrontMatter = z.infer<typeof FrontMatter>

const MAX_FRONT_MATTER_CHARACTERS = 20_000

/**
 * Plain text and Markdown as they are indexed: line ends unified, front matter taken off and read. What the producer said wins
 * over the front matter, save that a file may narrow its own audience, never widen it.
 * @param document with its text, which may have come as bytes
 * @throws TypeError when the front matter is not YAML; the message says where
 */
export function parseText(document: SourceDocument): ParsedDocument {
  const structure = document.contentType === 'text/markdown' ? 'markdown' : 'plain'
  const unified = document.text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')
  const { front, text } = structure === 'markdown' ? splitFrontMatter(unified) : { front: {}, text: unified }
  return parsedFrom(document, { ...front, modifiedAt: front.updated?.toISOString(), text, structure })
}

/** A document of another format, as its text was found. */
export const parseExtracted = (document: SourceDocument, { kind: _, ...found }: ExtractedText): ParsedDocument =>
  parsedFrom(document, found)

type Found = Omit<ExtractedText, 'kind'> & Pick<FrontMatter, 'url' | 'product' | 'audience'>

function parsedFrom(document: SourceDocument, found: Found): ParsedDocument {
  const { text, structure, pageStarts } = found
  const url = document.url ?? found.url
  const product = document.product ?? found.product
  const language = document.language ?? found.language
  const modifiedAt = document.modifiedAt ?? found.modifiedAt
  return {
    title: document.title.trim() || found.title?.trim() || titleFrom(text, structure) || document.id,
    text,
    structure,
    audience: document.audience === 'public' ? (found.audience ?? 'public') : document.audience,
    ...(pageStarts === undefined ? {} : { pageStarts: [...pageStarts] }),
    ...(url === undefined ? {} : { url }),
    ...(product === undefined ? {} : { product }),
    ...(language === undefined ? {} : { language }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
  }
}

function splitFrontMatter(text: string): { front: FrontMatter; text: string } {
  if (!text.startsWith('---\n')) return { front: {}, text }
  const close = text.indexOf('\n---', 3)
  const after = close < 0 ? -1 : text.indexOf('\n', close + 1)
  const closing = text.slice(close + 1, after < 0 ? undefined : after)
  if (close < 0 || close > MAX_FRONT_MATTER_CHARACTERS || closing.trimEnd() !== '---') return { front: {}, text }
  const body = after < 0 ? '' : text.slice(after + 1)
  let yaml: unknown
  try {
    yaml = parseYaml(text.slice(4, close + 1), { maxAliasCount: 0 })
  } catch (error) {
    throw new TypeError(`front matter: ${(error as Error).message.split('\n')[0]}`)
  }
  const front = FrontMatter.safeParse(yaml ?? {})
  return front.success ? { front: front.data, text: body } : { front: {}, text }
}

function titleFrom(text: string, structure: ParsedDocument['structure']): string | undefined {
  const head = text.slice(0, 4_000)
  const line = structure === 'markdown' ? /^#[ \t]+(\S.*)$/m.exec(head)?.[1] : /^[ \t]*(\S.*)$/m.exec(head)?.[1]
  return line
    ?.replace(/(?<!#)#+\s*$/, '')
    .trim()
    .slice(0, 200)
}
