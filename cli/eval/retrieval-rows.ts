import { FieldedIndex } from '#shared/adapters/search/fielded-index.ts'
import { documentTermsOf } from '#shared/adapters/search/indexed-terms.ts'
import { MatchRoom, matchPassages } from '#shared/adapters/search/match-passages.ts'
import type { Embedder } from '#shared/ports/embedder.ts'
import { embeddingText } from '#workers/logic/chunk-document.ts'
import { PER_LEG, queryOf } from './retrieval.ts'
import { chunksOfEvalDocument, type EvalDocument, type EvalQuery } from './retrieval-data.ts'

const MAX_QUERY_CHARACTERS = 8_000
const never = new AbortController().signal

/** The sparse leg with the cosines of the dense one, as the embedded indexes would give them, without their files. */
export class RowSearch {
  readonly #embedder: Embedder
  readonly #index = new FieldedIndex()
  readonly #room = new MatchRoom()
  /** By chunk, in the order they came. */
  readonly #ids: string[] = []
  readonly #vectors: Float32Array[] = []

  private constructor(embedder: Embedder) {
    this.#embedder = embedder
  }

  static async over(documents: readonly EvalDocument[], without: ReadonlySet<string>, masked: boolean, embedder: Embedder) {
    const search = new RowSearch(embedder)
    for (const document of documents) await search.#add(document, without, masked)
    return search
  }

  async #add(document: EvalDocument, without: ReadonlySet<string>, masked: boolean): Promise<void> {
    const chunks = chunksOfEvalDocument(document, without, masked)
    if (chunks.length === 0) return
    const from = this.#ids.length
    const facts = chunks.map(({ audience }, i) => ({ audience, key: from + i }))
    this.#vectors.push(...(await this.#embedder.embed(chunks.map(embeddingText), 'document', never)))
    this.#ids.push(...chunks.map(() => document.id))
    this.#index.add(document.id, documentTermsOf(chunks), facts)
  }

  /** @returns passages, best first: of which document, and signals and cosine (0 beyond the dense leg's best, as in the product) */
  async rowsFor(query: EvalQuery): Promise<{ ids: string[]; rows: number[][] }> {
    const text = queryOf(query).slice(0, MAX_QUERY_CHARACTERS)
    const [vector] = await this.#embedder.embed([text], 'query', never)
    const cosines = this.#vectors.map((other) => dot(vector!, other))
    const least = [...cosines].sort((a, b) => b - a)[PER_LEG - 1] ?? Number.NEGATIVE_INFINITY
    const found = matchPassages(this.#index, this.#room, text, () => true, PER_LEG).filter(
      ({ key }) => this.#ids[key] !== query.from,
    )
    const cosineOf = (key: number) => (cosines[key]! >= least ? cosines[key]! : 0)
    return {
      ids: found.map(({ key }) => this.#ids[key]!),
      rows: found.map(({ key, signals }) => [...signals, cosineOf(key)].map((value) => Number(value.toFixed(5)))),
    }
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
