import { createHash } from 'node:crypto'
import { estimateTokens } from './tokens.ts'

const MIN_TOKENS = 1_024
const LIVES_MS = 5 * 60_000

export type CacheCounters = { readonly readTokens: number; readonly writtenTokens: number }

/** A provider's prompt cache: a prefix of at least 1,024 tokens is written by the first request and read by the next ones for 5 minutes. */
export function createPromptCache(nowMs: () => number = Date.now) {
  const usedAtMs = new Map<string, number>()
  return {
    use(model: string, prefix: string): CacheCounters {
      const tokens = estimateTokens(prefix)
      if (tokens < MIN_TOKENS) return { readTokens: 0, writtenTokens: 0 }
      const name = createHash('sha256').update(`${model}\n${prefix}`).digest('hex')
      const fresh = nowMs() - (usedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) < LIVES_MS
      usedAtMs.set(name, nowMs())
      return fresh ? { readTokens: tokens, writtenTokens: 0 } : { readTokens: 0, writtenTokens: tokens }
    },
  }
}
export type PromptCache = ReturnType<typeof createPromptCache>
