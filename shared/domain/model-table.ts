export const PROVIDERS = ['openai', 'anthropic', 'local', 'extractive'] as const
export type Provider = (typeof PROVIDERS)[number]
export const TASKS = ['classify', 'generate', 'verify', 'judge', 'summarise', 'rewrite', 'contextualise'] as const
export type Task = (typeof TASKS)[number]
/** From the cheapest to the best. */
export const TIERS = ['cheap', 'standard', 'premium'] as const
export type Tier = (typeof TIERS)[number]

/** The pinned models of each provider that a tenant may choose from, the default of each tier first. Each needs a price. */
export const MODELS = {
  openai: {
    tiers: { cheap: 'gpt-6-luna', standard: 'gpt-6.1-terra', premium: 'gpt-6-sol' },
    known: ['gpt-6-luna', 'gpt-6.1-terra', 'gpt-6-sol', 'gpt-6-astra', 'gpt-5.6-luna'],
  },
  anthropic: {
    tiers: { cheap: 'claude-haiku-5-5', standard: 'claude-sonnet-5-5', premium: 'claude-opus-5-5' },
    known: ['claude-haiku-5-5', 'claude-sonnet-5-5', 'claude-opus-5-5', 'claude-haiku-4-5'],
  },
} as const satisfies Readonly<
  Record<string, { readonly tiers: Readonly<Record<Tier, string>>; readonly known: readonly string[] }>
>

export type CallLimits = {
  /** Longest wait for the first sign of a reply: models may think before they write. */
  readonly firstMs: number
  /** Longest silence while a reply is being written. */
  readonly idleMs: number
  /** Longest call altogether. */
  readonly deadlineMs: number
}

/**
 * How long a task may take, all models of its chain together. A model that shows no sign of life is left after `firstMs` while
 * there is another one to ask; the last one may use all the time that is left.
 */
export const TASK_LIMITS: Readonly<Record<Task, CallLimits>> = {
  classify: { deadlineMs: 10_000, firstMs: 3_000, idleMs: 3_000 },
  generate: { deadlineMs: 30_000, firstMs: 6_000, idleMs: 5_000 },
  verify: { deadlineMs: 10_000, firstMs: 3_000, idleMs: 3_000 },
  judge: { deadlineMs: 30_000, firstMs: 10_000, idleMs: 10_000 },
  summarise: { deadlineMs: 20_000, firstMs: 6_000, idleMs: 5_000 },
  rewrite: { deadlineMs: 10_000, firstMs: 3_000, idleMs: 3_000 },
  contextualise: { deadlineMs: 30_000, firstMs: 10_000, idleMs: 10_000 },
}

/** What is asked of a provider for each tier. */
export type TierModels = Readonly<Record<Tier, string>>
