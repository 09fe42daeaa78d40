import type { Embedder } from '#shared/ports/embedder.ts'
import { MASKED_KINDS } from './retrieval.ts'
import { EvalDocument, EvalQuery, readLines } from './retrieval-data.ts'
import { RowSearch } from './retrieval-rows.ts'

/** A question and what the search brought for it, of documents as they are or `masked`: without the sections that a question quotes. */
export type Asked = {
  /** From 0, in the order of `--set`. */
  readonly set: number
  readonly query: EvalQuery
  /** The passages that the words found, best first: of which document, and signals and cosine. */
  readonly ids: readonly string[]
  readonly rows: readonly (readonly number[])[]
  readonly masked: boolean
  /** What is learned from it. */
  readonly use: 'ranking' | 'abstention' | 'both'
  /** How many documents there were to search. */
  readonly documents: number
}
export type AskedSet = {
  readonly docs: readonly string[]
  readonly data: string
  readonly without: readonly string[]
  /** A knowledge of so many of the documents: for abstention only, because most questions have no answer in it. */
  readonly sample?: number
}

/** @param text `DOCS[,DOCS…];QUESTIONS;[FIELD,…];[SAMPLE]` */
export function askedSetOf(text: string): AskedSet {
  const [docs = '', data = '', without = '', sample = ''] = text.split(';')
  if (docs === '' || data === '' || !/^\d*$/.test(sample)) throw new TypeError(`--set ${text}: DOCS;QUESTIONS;FIELDS;SAMPLE`)
  const common = { docs: docs.split(','), data, without: without.split(',').filter(Boolean) }
  return sample === '' ? common : { ...common, sample: Number(sample) }
}

/** In memory: the files of the embedded indexes would take most of the time. */
export async function ask({ docs, data, without, sample }: AskedSet, set: number, embedder: Embedder): Promise<Asked[]> {
  const all = docs.flatMap((path) => readLines(path, EvalDocument))
  const documents = sample === undefined ? all : sampled(all, sample)
  const questions = readLines(data, EvalQuery)
  const queries = sample === undefined ? questions : balanced(questions, new Set(documents.map(({ id }) => id)))
  const search = async (masked: boolean) => RowSearch.over(documents, new Set(without), masked, embedder)
  const full = await search(false)
  const masked = queries.some(({ kind }) => MASKED_KINDS.has(kind)) ? await search(true) : full
  const asked: Asked[] = []
  for (const [number, query] of queries.entries()) {
    for (const way of waysOf(query, number, sample !== undefined)) {
      const found = await (way.masked ? masked : full).rowsFor(query)
      if (found.rows.length > 0) asked.push({ set, query, documents: documents.length, ...way, ...found })
    }
  }
  return asked
}

/** A quarter of the masked for abstention, too: customers do not write what stands in the article, nor nothing of it. */
function waysOf({ kind }: EvalQuery, number: number, sample: boolean): Pick<Asked, 'masked' | 'use'>[] {
  const alsoMasked = number % 4 === 0
  if (!MASKED_KINDS.has(kind)) return [{ masked: false, use: sample ? 'abstention' : 'both' }]
  const masked = sample ? (alsoMasked ? 'abstention' : undefined) : alsoMasked ? 'both' : 'ranking'
  return [{ masked: false, use: 'abstention' }, ...(masked ? [{ masked: true, use: masked } as const] : [])]
}

const sampled = (documents: readonly EvalDocument[], size: number) =>
  [...documents].sort((a, b) => hashed(a.id) - hashed(b.id) || (a.id < b.id ? -1 : 1)).slice(0, size)

/** The questions that the sample answers, without what it does not hold, and as many that it does not answer. */
function balanced(questions: readonly EvalQuery[], held: ReadonlySet<string>): EvalQuery[] {
  const answered = questions.filter(({ gold }) => gold.some((id) => held.has(id)))
  const others = questions.filter(({ gold }) => !gold.some((id) => held.has(id)))
  others.sort((a, b) => hashed(a.text) - hashed(b.text))
  const without = others.slice(0, answered.length).map((query) => ({ ...query, gold: [] }))
  return [...answered.map((query) => ({ ...query, gold: query.gold.filter((id) => held.has(id)) })), ...without]
}

/** Even, and the same on every machine. */
export function hashed(text: string): number {
  let sum = 0
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) >>> 0
  return Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d) >>> 0
}
