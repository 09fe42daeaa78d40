import type { FilteredFacts } from './chunk-filter.ts'

const UNKNOWN = 0
const YES = 1
const NO = 2

/** What filters look at, each combination once: chunks keep its number. Combinations that nobody uses any more are given to others. */
export class Facets {
  readonly #numbers = new Map<string, number>()
  readonly #facts: FilteredFacts[] = []
  readonly #names: string[] = []
  readonly #uses: number[] = []
  readonly #free: number[] = []

  take({ audience, product, language, modifiedAt }: FilteredFacts): number {
    const name = JSON.stringify([audience, product, language, modifiedAt])
    const known = this.#numbers.get(name)
    if (known !== undefined) {
      this.#uses[known] = this.#uses[known]! + 1
      return known
    }
    const number = this.#free.pop() ?? this.#facts.length
    this.#numbers.set(name, number)
    this.#facts[number] = { audience, product, language, modifiedAt }
    this.#names[number] = name
    this.#uses[number] = 1
    return number
  }

  giveBack(number: number): void {
    this.#uses[number] = this.#uses[number]! - 1
    if (this.#uses[number] > 0) return
    this.#numbers.delete(this.#names[number]!)
    this.#free.push(number)
  }

  factsOf(number: number): FilteredFacts {
    return this.#facts[number]!
  }

  /** `accept` by number, asked once for each combination that comes up. */
  test(accept: (facts: FilteredFacts) => boolean): (number: number) => boolean {
    const answers = new Uint8Array(this.#facts.length)
    return (number) => {
      const known = answers[number]!
      if (known !== UNKNOWN) return known === YES
      const answer = accept(this.#facts[number]!)
      answers[number] = answer ? YES : NO
      return answer
    }
  }
}
