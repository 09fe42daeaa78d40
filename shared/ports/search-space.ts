/**
 * Which embedder's index serves searches. Vectors of two embedders cannot be compared, so there is one at a time; another one is
 * built beside it and takes its place at once.
 */
export interface SearchSpace {
  /** @returns the id of the embedder whose index serves; undefined before the first document */
  current(): Promise<string | undefined>
  /** Takes an empty place. @returns the id that holds the place, which may be another one */
  claim(embedderId: string, now: Date): Promise<string>
  switchTo(embedderId: string, now: Date): Promise<void>
}
