/**
 * The weights of the tagger: only what training touched and what still counts after rounding. A feature is a 32-bit hash; its weights
 * stand in one row of (tag, weight) pairs, so a token costs one look-up a feature, whatever the number of tags.
 */
export type TaggerModel = {
  /** Open addressing: the feature in each slot; an empty slot has no row. The size is a power of two. */
  readonly features: Int32Array
  /** By slot: where its row begins, plus one; 0 is empty. */
  readonly rows: Int32Array
  readonly ends: Int32Array
  readonly tags: Uint8Array
  readonly weights: Int8Array
  /** Added to the score of each tag: types that training showed more often than people write of them. */
  readonly leanings?: Float64Array
}
export type Row = readonly [feature: number, weights: readonly (readonly [tag: number, weight: number])[]]

const MAGIC = 0x32_49_49_50

/** Little-endian: magic, rows, pairs; features; pairs of each row; tags; weights. */
export function packModel(rows: readonly Row[]): Buffer {
  const sorted = rows.toSorted(([a], [b]) => a - b)
  const pairs = sorted.reduce((sum, [, weights]) => sum + weights.length, 0)
  const file = Buffer.alloc(12 + 5 * sorted.length + 2 * pairs)
  file.writeUInt32LE(MAGIC, 0)
  file.writeUInt32LE(sorted.length, 4)
  file.writeUInt32LE(pairs, 8)
  let pair = 12 + 5 * sorted.length
  for (const [at, [feature, weights]] of sorted.entries()) {
    file.writeInt32LE(feature, 12 + 4 * at)
    file.writeUInt8(weights.length, 12 + 4 * sorted.length + at)
    for (const [tag, weight] of weights) {
      file.writeUInt8(tag, pair)
      file.writeInt8(weight, pairs + pair++)
    }
  }
  return file
}

/** @throws Error when the file is damaged */
export function readModel(file: Buffer): TaggerModel {
  const [count, pairs] = file.length < 12 ? [0, 0] : [file.readUInt32LE(4), file.readUInt32LE(8)]
  if (file.length < 12 || file.readUInt32LE(0) !== MAGIC || file.length !== 12 + 5 * count + 2 * pairs)
    throw new Error('the weights of the PII tagger are incomplete')
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, count * 1.6)))
  const [features, rows, ends] = [new Int32Array(size), new Int32Array(size), new Int32Array(size)]
  let from = 0
  for (let at = 0; at < count; at++) {
    const feature = file.readInt32LE(12 + 4 * at)
    let slot = feature & (size - 1)
    while (rows[slot] !== 0) slot = (slot + 1) & (size - 1)
    features[slot] = feature
    rows[slot] = from + 1
    from += file.readUInt8(12 + 4 * count + at)
    ends[slot] = from
  }
  const tagsAt = 12 + 5 * count
  const bytes = new Uint8Array(file.subarray(tagsAt))
  return { features, rows, ends, tags: bytes.subarray(0, pairs), weights: new Int8Array(bytes.buffer, pairs, pairs) }
}

/** Adds what a feature says for each tag. */
export function addScores({ features, rows, ends, tags, weights }: TaggerModel, feature: number, scores: Float64Array): void {
  const last = rows.length - 1
  for (let slot = feature & last; rows[slot] !== 0; slot = (slot + 1) & last) {
    if (features[slot] !== feature) continue
    for (let pair = rows[slot]! - 1; pair < ends[slot]!; pair++) scores[tags[pair]!]! += weights[pair]!
    return
  }
}
