import type { ChunkingChoice, ChunkPreset, ChunkStrategy } from '#shared/domain/chunking.ts'

/** Tokens. A section of its own from `small` up; sections are filled to `target`; nothing is longer than `max`. */
export type ChunkSizes = { readonly small: number; readonly target: number; readonly max: number }

/** For technical articles, where a step or a table row without its surroundings misleads. */
export const TECHNICAL: ChunkSizes = { small: 120, target: 600, max: 800 }

const PRESETS: Readonly<Record<ChunkPreset, ChunkSizes>> = {
  // A question with its answer stands alone even when it is short.
  faq: { small: 40, target: 250, max: 300 },
  technical: TECHNICAL,
  // A clause refers to the ones around it.
  legal: { small: 400, target: 1_200, max: 1_500 },
}

/** A choice with everything settled. */
export type Chunking = { readonly strategy: ChunkStrategy; readonly sizes: ChunkSizes; readonly overlapTokens: number }

export const DEFAULT_CHUNKING: Chunking = { strategy: 'structure', sizes: TECHNICAL, overlapTokens: 0 }

/** Shares of `max`. Sections and definitions are whole by themselves; what is cut blindly repeats a bit of what came before. */
const OVERLAP: Readonly<Record<ChunkStrategy, number>> = { structure: 0, code: 0, semantic: 0, recursive: 0.1, fixed: 0.15 }

/** @param choices the most specific first: the document's, then the tenant's */
export function settleChunking(...choices: readonly (ChunkingChoice | undefined)[]): Chunking {
  const pick = <K extends keyof ChunkingChoice>(name: K) => choices.find((choice) => choice?.[name] !== undefined)?.[name]
  const strategy = pick('strategy') ?? 'structure'
  const preset = PRESETS[pick('preset') ?? 'technical']
  const max = pick('maxTokens') ?? preset.max
  const scale = max / preset.max
  const sizes = { small: Math.round(preset.small * scale), target: Math.round(preset.target * scale), max }
  const overlap = pick('overlapTokens') ?? Math.round(OVERLAP[strategy] * max)
  return { strategy, sizes, overlapTokens: Math.min(overlap, Math.floor(max / 2)) }
}

/** Names settings that are not the default's, so that chunks made in another way are another version of the document. */
export function chunkingName({ strategy, sizes, overlapTokens }: Chunking): string {
  const name = `${strategy}-${sizes.max}-${sizes.small}-${overlapTokens}`
  return name === 'structure-800-120-0' ? '' : name
}
