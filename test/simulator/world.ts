import type { Exchange } from './exchange.ts'
import type { Meter } from './meter.ts'
import type { PromptCache } from './prompt-cache.ts'

/** What the simulated APIs share. */
export type World = {
  readonly meter: Meter
  readonly cache: PromptCache
  /** Models that are served without a price, as a local server would. */
  readonly localModels: ReadonlySet<string>
  readonly nextId: (prefix: string) => string
}

/** @param body already parsed JSON */
export type Handler = (exchange: Exchange, body: unknown, world: World) => Promise<void> | void

/** The model's text after a fault of the model (not of the wire) has had its way with it. */
export function spoiled(text: string, fault: string | undefined): string {
  if (fault === 'broken_json') return text.slice(0, Math.max(1, Math.floor(text.length * 0.6)))
  return fault === 'wrong_schema' ? '{"unexpected":["shape"]}' : text
}
