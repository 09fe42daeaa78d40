import { hash } from 'node:crypto'
import type { Chunk } from '#shared/domain/document.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import { addressWords } from '#shared/text/address-words.ts'
import { fixedStretches, recursiveStretches } from './chunk-blindly.ts'
import { type Block, packBlocks, type Stretch } from './chunk-blocks.ts'
import { codeBlocks } from './chunk-code.ts'
import { markdownBlocks, plainBlocks } from './chunk-markdown.ts'
import { withOverlap } from './chunk-overlap.ts'
import { type EmbedTexts, semanticStretches } from './chunk-semantic.ts'
import { type Chunking, chunkingName, DEFAULT_CHUNKING } from './chunk-sizes.ts'
import { atOnce, inSlices, type Sliced } from './in-slices.ts'

/** Beyond this Markdown is read as plain paragraphs: structure is not worth parsing megabytes of it for. */
const MAX_MARKDOWN_CHARACTERS = 300_000
/** Nobody nests lists and quotes this deep; the parser needs quadratic time for those who do. */
const DEEP_NESTING = /^[ \t>*+\-\d.)]{200}/m

/**
 * Splits a document by any strategy but `semantic`. Every chunk is an exact stretch of `parsed.text`, and its id follows from
 * document, version and position, so that a repeat makes the same chunks.
 */
export function chunkDocument(
  documentId: string,
  version: string,
  parsed: ParsedDocument,
  chunking: Chunking = DEFAULT_CHUNKING,
): Chunk[] {
  return atOnce(chunksFrom(documentId, version, parsed, chunking, stretchesOf(parsed, chunking)))
}

/** The same by every strategy, in slices that let others have their turn; `semantic` needs an embedder, and falls back to `structure` where it has too little or too much to compare. */
export async function chunkWith(
  documentId: string,
  version: string,
  parsed: ParsedDocument,
  chunking: Chunking,
  embed: EmbedTexts,
  signal?: AbortSignal,
): Promise<Chunk[]> {
  const chunked = (stretches: Sliced<Stretch[]>) => inSlices(chunksFrom(documentId, version, parsed, chunking, stretches), signal)
  if (chunking.strategy !== 'semantic') return chunked(stretchesOf(parsed, chunking))
  const headings = blocksOf(parsed).filter(({ kind }) => kind === 'heading')
  const stretches = await semanticStretches(parsed.text, headings, roomOf(chunking), embed)
  return chunked(stretches ?? stretchesOf(parsed, chunking))
}

/** The overlap comes on top of a stretch, and both together stay within the size. */
const roomOf = ({ sizes, overlapTokens }: Chunking) => ({
  ...sizes,
  max: sizes.max - overlapTokens,
  target: Math.min(sizes.target, sizes.max - overlapTokens),
})

function stretchesOf(parsed: ParsedDocument, chunking: Chunking): Sliced<Stretch[]> {
  const { text } = parsed
  const { strategy } = chunking
  const room = roomOf(chunking)
  const headings = () => blocksOf(parsed).filter(({ kind }) => kind === 'heading')
  switch (strategy) {
    case 'fixed':
      return fixedStretches(text, headings(), room.target)
    case 'recursive':
      return recursiveStretches(text, headings(), room.target)
    case 'code':
      return packBlocks(text, parsed.structure === 'plain' ? codeBlocks(text) : blocksOf(parsed), room)
    default:
      return packBlocks(text, blocksOf(parsed), room)
  }
}

function blocksOf({ text, structure }: ParsedDocument): Block[] {
  const isMarkdown = structure === 'markdown' && text.length <= MAX_MARKDOWN_CHARACTERS && !DEEP_NESTING.test(text)
  return isMarkdown ? markdownBlocks(text) : plainBlocks(text)
}

function* chunksFrom(
  documentId: string,
  contentHash: string,
  parsed: ParsedDocument,
  chunking: Chunking,
  stretches: Sliced<readonly Stretch[]>,
): Sliced<Chunk[]> {
  const { text, title, url, product, audience, language, modifiedAt, pageStarts } = parsed
  const name = chunkingName(chunking)
  // Chunks of one text cut in two ways must never be served together, so they are two versions.
  const version = name === '' ? contentHash : `${hash('sha256', name, 'hex').slice(0, 6)}-${contentHash}`
  const overlapping = yield* withOverlap(text, yield* stretches, chunking.overlapTokens)
  return overlapping.map(({ start, end, section, tokens }, position) => ({
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
    ...(pageStarts === undefined ? {} : { page: pageOf(pageStarts, start) }),
    ...(url === undefined ? {} : { url }),
    ...(product === undefined ? {} : { product }),
    ...(language === undefined ? {} : { language }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
  }))
}

const pageOf = (pageStarts: readonly number[], offset: number): number =>
  Math.max(1, pageStarts.findLastIndex((start) => start <= offset) + 1)

/** What is embedded: a stretch torn from its article says "the device"; title, product, address, headings and context say which. Who changes it gives `hash` a new version. */
export const embeddingText = ({ title, product, url, section, context, text }: Chunk): string =>
  [title, [product, addressWords(url)].filter(Boolean).join(' '), section.join(' > '), context, text].filter(Boolean).join('\n')
