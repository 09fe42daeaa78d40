import type { Chunk } from '#shared/domain/document.ts'
import { addressWords } from '#shared/text/address-words.ts'
import { contentTerms } from '#shared/text/tokenize.ts'

/** The terms of a document as the index keeps them: those of all chunks once, those of each chunk in order. */
export type DocumentTerms = { readonly title: string[]; readonly path: string[]; readonly chunks: readonly ChunkTerms[] }
export type ChunkTerms = { readonly section: string[]; readonly text: string[] }

const MAX_TITLE_TERMS = 64
const MAX_PATH_TERMS = 64
const MAX_SECTION_TERMS = 128

/** Title, and where the document stands: its product and the words of its address. */
export function documentTermsOf(chunks: readonly Chunk[]): DocumentTerms {
  const first = chunks[0]
  return {
    title: contentTerms(first?.title ?? '').slice(0, MAX_TITLE_TERMS),
    path: contentTerms(`${first?.product ?? ''} ${addressWords(first?.url)}`).slice(0, MAX_PATH_TERMS),
    chunks: chunks.map((chunk) => ({
      section: contentTerms(chunk.section.join(' ')).slice(0, MAX_SECTION_TERMS),
      text: contentTerms(chunk.context ? `${chunk.context}\n${chunk.text}` : chunk.text),
    })),
  }
}
