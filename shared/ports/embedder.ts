export interface Embedder {
  /** Names the model and every setting that changes its vectors, e.g. `hash-512-v1`; vectors of two ids never mix. */
  readonly id: string
  readonly dimensions: number
  /**
   * @param kind documents and queries may be embedded differently
   * @returns one unit-length vector per text, in order
   */
  embed(texts: readonly string[], kind: 'document' | 'query', signal: AbortSignal): Promise<Float32Array[]>
}
