import type { Chunk } from '#shared/domain/document.ts'

/** Documents of made-up words with Zipf's frequencies, three chunks each: sizes and word statistics of help articles, no meaning. */
export type Corpus = { readonly documents: readonly (readonly Chunk[])[]; readonly queries: readonly string[] }

const VOCABULARY = 30_000
const WORDS_PER_CHUNK = 160
export const CHUNKS_PER_DOCUMENT = 3
const SYLLABLES = ['ba', 'co', 'di', 'fu', 'ge', 'ka', 'lo', 'mi', 'nu', 'pra', 'ste', 'tri', 'vo', 'wex', 'zan', 'hol']

export function makeCorpus(chunks: number, queries: number, random: () => number): Corpus {
  const documents = [...streamDocuments(chunks, random)]
  const asked = Array.from({ length: queries }, () => queryFrom(documents[Math.floor(random() * documents.length)]!, random))
  return { documents, queries: asked }
}

/** The same one after another, for who must not hold them all. */
export function* streamDocuments(chunks: number, random: () => number): Generator<Chunk[]> {
  const count = Math.ceil(chunks / CHUNKS_PER_DOCUMENT)
  for (let i = 0; i < count; i++) yield makeDocument(`doc-${i}`, 'v1', random)
}

/** Words of one passage, as a customer who quotes half of it would write, and words of nowhere in particular. */
export function queryFrom(document: readonly Chunk[], random: () => number): string {
  const from = Math.floor(random() * (WORDS_PER_CHUNK - 20))
  return [...document[0]!.text.split(' ').slice(from, from + 8), ...Array.from({ length: 6 }, () => word(random))].join(' ')
}

/** A linear congruential generator (Numerical Recipes): the same documents in every run. */
export function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export function makeDocument(id: string, version: string, random: () => number): Chunk[] {
  const title = words(6, random)
  return Array.from({ length: CHUNKS_PER_DOCUMENT }, (_, position) => ({
    id: `${id}:${version}:${position}`,
    documentId: id,
    version,
    position,
    title,
    section: [words(3, random)],
    text: words(WORDS_PER_CHUNK, random),
    start: position * 2_000,
    end: position * 2_000 + 1_900,
    tokens: 220,
    audience: 'public' as const,
    url: `https://help.invalid/${title.replaceAll(' ', '-')}`,
  }))
}

const words = (count: number, random: () => number) => Array.from({ length: count }, () => word(random)).join(' ')

/** Rank r comes up in proportion to 1 / r. */
function word(random: () => number): string {
  let rank = Math.floor(VOCABULARY ** random())
  let text = ''
  do {
    text += SYLLABLES[rank % SYLLABLES.length]
    rank = Math.floor(rank / SYLLABLES.length)
  } while (rank > 0)
  return `${text}r`
}
