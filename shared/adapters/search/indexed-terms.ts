import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Chunk } from '#shared/domain/document.ts'
import { addressWords } from '#shared/text/address-words.ts'
import { contentTerms } from '#shared/text/tokenize.ts'

/** The terms of a document as the index keeps them: those of all chunks once, those of each chunk in order. */
export type DocumentTerms = { readonly title: string[]; readonly path: string[]; readonly chunks: readonly ChunkTerms[] }
export type ChunkTerms = { readonly section: string[]; readonly text: string[] }

const MAX_TITLE_TERMS = 64
const MAX_PATH_TERMS = 64
const MAX_SECTION_TERMS = 128

/** Reading so many chunks takes some milliseconds; then others in this process have their turn. */
const CHUNKS_PER_TURN = 32

/** As `documentTermsOf`, of which a long document would hold up the process. */
export async function documentTermsInTurns(chunks: readonly Chunk[], signal: AbortSignal): Promise<DocumentTerms> {
  const { title, path } = documentTermsOf(chunks.slice(0, 1))
  const read: ChunkTerms[] = []
  for (let at = 0; at < chunks.length; at += CHUNKS_PER_TURN) {
    if (at > 0) await nextTurn()
    signal.throwIfAborted()
    read.push(...chunks.slice(at, at + CHUNKS_PER_TURN).map(chunkTermsOf))
  }
  return { title, path, chunks: read }
}

/** Title, and where the document stands: its product and the words of its address. */
export function documentTermsOf(chunks: readonly Chunk[]): DocumentTerms {
  const first = chunks[0]
  return {
    title: contentTerms(first?.title ?? '').slice(0, MAX_TITLE_TERMS),
    path: contentTerms(`${first?.product ?? ''} ${addressWords(first?.url)}`).slice(0, MAX_PATH_TERMS),
    chunks: chunks.map(chunkTermsOf),
  }
}

const chunkTermsOf = (chunk: Chunk): ChunkTerms => ({
  section: contentTerms(chunk.section.join(' ')).slice(0, MAX_SECTION_TERMS),
  text: contentTerms(chunk.context ? `${chunk.context}\n${chunk.text}` : chunk.text),
})
