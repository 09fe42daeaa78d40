import type { Chunk } from '#shared/domain/document.ts'

/** A chunk with everything that a test does not care about filled in. */
export function sampleChunk(change: Partial<Chunk> & { readonly documentId: string; readonly text: string }): Chunk {
  const { documentId, text, version = 'v1', position = 0 } = change
  return {
    id: `${documentId}:${version}:${position}`,
    version,
    position,
    title: 'Untitled',
    section: [],
    start: 0,
    end: text.length,
    tokens: Math.ceil(text.length / 4),
    audience: 'public',
    ...change,
  }
}
