import { LRUCache } from 'lru-cache'
import type { CachedQuestion } from '#shared/ports/answer-cache.ts'
import { rarityOf } from '#shared/text/word-rarity.ts'
import { MAX_COMPARED_CHARACTERS, readForCache } from './cache-reading.ts'

const MAX_PARTITIONS = 16
const MAX_QUESTIONS = 10_000
/** A word that this many questions share finds none of them. */
const MAX_POSTINGS = 2_000

/**
 * The questions of one partition, by their words. It only nominates: what it names is read from the cache before it is used, so
 * an entry that is gone there is gone.
 */
export class QuestionIndex {
  /** Of the newest question it knows; what comes after is still to be fetched. */
  cursor = ''
  #entries: ({ readonly key: string; readonly text: string; readonly weight: number } | undefined)[] = []
  readonly #numbers = new Map<string, number>()
  readonly #postings = new Map<string, number[]>()

  get size(): number {
    return this.#numbers.size
  }

  add({ key, text }: Pick<CachedQuestion, 'key' | 'text'>): void {
    if (this.#numbers.has(key) || text.length > MAX_COMPARED_CHARACTERS) return
    if (this.#numbers.size >= MAX_QUESTIONS) this.#dropOldest()
    const terms = new Set(readForCache(text).terms)
    const number = this.#entries.length
    let weight = 0
    for (const term of terms) {
      weight += rarityOf(term)
      const postings = this.#postings.get(term)
      if (postings) postings.push(number)
      else this.#postings.set(term, [number])
    }
    this.#entries.push({ key, text, weight })
    this.#numbers.set(key, number)
  }

  remove(key: string): void {
    const number = this.#numbers.get(key)
    if (number === undefined) return
    this.#entries[number] = undefined
    this.#numbers.delete(key)
  }

  /** @returns those whose words overlap most with `terms`, best first */
  nearest(terms: Iterable<string>, limit: number): { readonly key: string; readonly text: string }[] {
    const shared = new Map<number, number>()
    let weight = 0
    for (const term of new Set(terms)) {
      const rarity = rarityOf(term)
      weight += rarity
      const postings = this.#postings.get(term) ?? []
      if (postings.length <= MAX_POSTINGS || postings.length < this.size / 2) {
        for (const number of postings.slice(-MAX_POSTINGS)) shared.set(number, (shared.get(number) ?? 0) + rarity)
      }
    }
    const scored: [number, number][] = []
    for (const [number, common] of shared) {
      const entry = this.#entries[number]
      if (entry) scored.push([common / Math.sqrt(weight * entry.weight), number])
    }
    return scored
      .sort((a, b) => b[0] - a[0])
      .slice(0, limit)
      .map(([, number]) => this.#entries[number]!)
  }

  /** The older half goes at once, so that this happens rarely. */
  #dropOldest(): void {
    const kept = this.#entries.filter((entry) => entry !== undefined).slice(-MAX_QUESTIONS / 2)
    this.#entries = []
    this.#numbers.clear()
    this.#postings.clear()
    for (const entry of kept) this.add(entry)
  }
}

/** The partitions that this process looked into last; about 10 MB each when full. */
export const createQuestionIndexes = () => {
  const indexes = new LRUCache<string, QuestionIndex>({ max: MAX_PARTITIONS })
  return {
    of(tenantId: string, partition: string): QuestionIndex {
      const name = JSON.stringify([tenantId, partition])
      const index = indexes.get(name) ?? new QuestionIndex()
      indexes.set(name, index)
      return index
    },
  }
}
export type QuestionIndexes = ReturnType<typeof createQuestionIndexes>
