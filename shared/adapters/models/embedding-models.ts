/** How a model wants its texts, and how long its vectors are. */
export type EmbeddingProfile = {
  readonly queryPrefix: string
  readonly documentPrefix: string
  /** Whether the model was trained so that the front of a vector is a vector (Kusupati et al., "Matryoshka Representation Learning", 2022). */
  readonly matryoshka: boolean
}

const plain = (matryoshka: boolean): EmbeddingProfile => ({ queryPrefix: '', documentPrefix: '', matryoshka })

/** By family, as their model cards say; the first that fits. A model of none of them gets its texts as they are. */
const PROFILES: readonly (readonly [family: RegExp, profile: EmbeddingProfile])[] = [
  [/text-embedding-3/i, plain(true)],
  [
    /e5-mistral|e5.*instruct/i,
    { ...plain(false), queryPrefix: 'Instruct: Given a question, retrieve passages that answer it\nQuery: ' },
  ],
  [/\be5\b/i, { queryPrefix: 'query: ', documentPrefix: 'passage: ', matryoshka: false }],
  [/nomic-embed/i, { queryPrefix: 'search_query: ', documentPrefix: 'search_document: ', matryoshka: true }],
  [/embeddinggemma/i, { queryPrefix: 'task: search result | query: ', documentPrefix: 'title: none | text: ', matryoshka: true }],
  [/qwen3-embedding/i, { ...plain(true), queryPrefix: 'Instruct: Given a question, retrieve passages that answer it\nQuery:' }],
  [/arctic-embed.*v2/i, { ...plain(true), queryPrefix: 'query: ' }],
  [
    /arctic-embed|mxbai-embed|bge-.*en/i,
    { ...plain(false), queryPrefix: 'Represent this sentence for searching relevant passages: ' },
  ],
]

export const profileOf = (model: string): EmbeddingProfile => PROFILES.find(([family]) => family.test(model))?.[1] ?? plain(false)

export const OPENAI_DIMENSIONS: Readonly<Record<string, number>> = {
  'text-embedding-3-small': 1_536,
  'text-embedding-3-large': 3_072,
}

/** `model` or `model@dimensions`. @returns no dimensions where neither the name nor we know them */
export function modelAndDimensions(name: string): { model: string; dimensions: number | undefined } {
  const [, model = name, dimensions] = /^(.+)@(\d{1,5})$/.exec(name) ?? []
  return { model, dimensions: dimensions === undefined ? OPENAI_DIMENSIONS[model] : Number(dimensions) }
}

/**
 * As the model wants its inputs. Of a query every line once: a search over words says what matters many times, and a model that reads
 * needs it once and may read no further than some hundred words.
 */
export const prefixed = (texts: readonly string[], kind: 'document' | 'query', profile: EmbeddingProfile): string[] =>
  kind === 'query'
    ? texts.map((text) => profile.queryPrefix + [...new Set(text.split('\n'))].join('\n'))
    : texts.map((text) => profile.documentPrefix + text)

/** The front of a vector, of unit length: cosine similarity becomes a dot product. */
export function unitLength(values: ArrayLike<number>, dimensions = values.length): Float32Array {
  const vector = Float32Array.from({ length: Math.min(dimensions, values.length) }, (_, i) => values[i]!)
  let square = 0
  for (const value of vector) square += value * value
  const length = Math.sqrt(square) || 1
  return vector.map((value) => value / length)
}
