import type { Chunk } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import { type ChunkSizes, packBlocks, TECHNICAL } from './chunk-blocks.ts'
import { markdownBlocks, plainBlocks } from './chunk-markdown.ts'

/** Beyond this Markdown is read as plain paragraphs: structure is not worth parsing megabytes of it for. */
const MAX_MARKDOWN_CHARACTERS = 300_000
/** Nobody nests lists and quotes this deep; the parser needs quadratic time for those who do. */
const DEEP_NESTING = /^[ \t>*+\-\d.)]{200}/m

/**
 * Splits a document along its own structure. Every chunk is an exact stretch of `parsed.text`, and its id follows from
 * document, version and position, so that a repeat makes the same chunks.
 */
export function chunkDocument(
  documentId: string,
  version: string,
  parsed: ParsedDocument,
  sizes: ChunkSizes = TECHNICAL,
): Chunk[] {
  const { text, title, structure, url, product, audience, language, modifiedAt } = parsed
  const isMarkdown = structure === 'markdown' && text.length <= MAX_MARKDOWN_CHARACTERS && !DEEP_NESTING.test(text)
  const stretches = packBlocks(text, isMarkdown ? markdownBlocks(text) : plainBlocks(text), sizes)
  return stretches.map(({ start, end, section, tokens }, position) => ({
    id: `${documentId}:${version.slice(0, 12)}:${position}`,
    documentId,
    version,
    position,
    title,
    section: section[0] === title ? section.slice(1) : [...section],
    text: text.slice(start, end),
    start,
    end,
    tokens,
    audience,
    ...(url === undefined ? {} : { url }),
    ...(product === undefined ? {} : { product }),
    ...(language === undefined ? {} : { language }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
  }))
}

/** What is embedded: a stretch torn from its article says "the device"; title and headings say which. */
export const embeddingText = (chunk: Chunk): string =>
  [chunk.title, chunk.section.join(' > '), chunk.text].filter(Boolean).join('\n')
