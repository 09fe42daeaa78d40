import { countTokens } from '#shared/text/count-tokens.ts'
import { splitSentences, type TextUnit } from '#shared/text/sentences.ts'
import { sectionAt } from './chunk-blindly.ts'
import { type Block, cutBlock, type Stretch, withTokens } from './chunk-blocks.ts'
import type { ChunkSizes } from './chunk-sizes.ts'
import type { Sliced } from './in-slices.ts'

export type EmbedTexts = (texts: readonly string[]) => Promise<readonly Float32Array[]>

/** Longer texts are not worth an embedding per sentence. */
export const MAX_SENTENCES = 4_000
/** Neighbours on either side that are read with a sentence: alone, short ones say too little. */
const CONTEXT = 1
/** Of the distances between neighbours, those above this share are where the subject changes. */
const BREAKPOINT_PERCENTILE = 0.9

/**
 * Cuts where the meaning of neighbouring sentences differs most (Kamradt, "5 Levels of Text Splitting", 2024, level 4: a
 * percentile of the cosine distances), and at headings; never smaller than `small` unless a heading comes, never larger than `max`.
 * @returns undefined for a text with too few or too many sentences
 */
export async function semanticStretches(
  text: string,
  headings: readonly Block[],
  sizes: ChunkSizes,
  embed: EmbedTexts,
): Promise<Sliced<Stretch[]> | undefined> {
  const units = splitSentences(text)
  if (units.length < 3 || units.length > MAX_SENTENCES) return undefined
  const distances = await distancesBetween(text, units, embed)
  return grouped(text, headings, units, distances, sizes)
}

function* grouped(
  text: string,
  headings: readonly Block[],
  units: readonly TextUnit[],
  distances: readonly number[],
  sizes: ChunkSizes,
): Sliced<Stretch[]> {
  const threshold = percentile(distances, BREAKPOINT_PERCENTILE)
  const groups: { start: number; end: number; tokens: number; section: readonly string[] }[] = []
  for (const [i, unit] of units.entries()) {
    // What stands between two sentences (a heading, the head of a table) belongs to the one after it: nothing may be left out.
    const start = units[i - 1]?.end ?? 0
    const end = i === units.length - 1 ? text.length : unit.end
    const tokens = countTokens(text.slice(start, end))
    yield end - start
    const section = sectionAt(headings, unit.start)
    const open = groups.at(-1)
    const sameSection = open !== undefined && open.section.join('\n') === section.join('\n')
    const subjectChanges = i > 0 && distances[i - 1]! >= threshold && (open?.tokens ?? 0) >= sizes.small
    if (open && sameSection && !subjectChanges && open.tokens + tokens <= sizes.target) {
      open.end = end
      open.tokens += tokens
    } else groups.push({ start, end, tokens, section })
  }
  const stretches: Stretch[] = []
  for (const { start, end, section } of groups)
    stretches.push(...(yield* cutBlock(text, { kind: 'body', start, end, section, seams: [] }, sizes.max)))
  return yield* withTokens(text, stretches)
}

async function distancesBetween(text: string, units: readonly TextUnit[], embed: EmbedTexts): Promise<number[]> {
  const windows = units.map((_, i) => {
    const [first, last] = [units[Math.max(0, i - CONTEXT)]!, units[Math.min(units.length - 1, i + CONTEXT)]!]
    return text.slice(first.start, last.end)
  })
  const vectors = await embed(windows)
  return vectors.slice(1).map((vector, i) => 1 - dot(vectors[i]!, vector))
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.POSITIVE_INFINITY
