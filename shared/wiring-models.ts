import { createBilledCalls } from './adapters/models/billed-calls.ts'
import { createFailedCalls } from './adapters/models/failed-calls.ts'
import { createAnthropicLlm } from './adapters/models/llm.anthropic.ts'
import { createBudgetedLlm } from './adapters/models/llm.budgeted.ts'
import { createExtractiveLlm, EXTRACTIVE_MODEL } from './adapters/models/llm.extractive.ts'
import { createFallbackLlm, type FallbackLink } from './adapters/models/llm.fallback.ts'
import { createGuardedLlm } from './adapters/models/llm.guarded.ts'
import { createJournaledLlm } from './adapters/models/llm.journaled.ts'
import { createMeasuredLlm } from './adapters/models/llm.measured.ts'
import { createOfflineLlm } from './adapters/models/llm.offline.ts'
import { createOpenAiLlm } from './adapters/models/llm.openai.ts'
import { createRoutedLlm, withTenantTier } from './adapters/models/llm.routed.ts'
import { createTracedLlm } from './adapters/models/llm.traced.ts'
import { registerProviderGauges, withPromptCacheRatio } from './adapters/models/provider-gauges.ts'
import { createProviderGuard } from './adapters/models/provider-guard.ts'
import { inputBill } from './adapters/models/worst-case.ts'
import type { Config } from './config.ts'
import { MODELS, type Provider, type TierModels } from './domain/model-table.ts'
import { createPrices, freeOfCharge, LIST_PRICES, type Prices } from './domain/price.ts'
import type { Budget } from './ports/budget.ts'
import type { Clock } from './ports/clock.ts'
import type { Journal } from './ports/journal.ts'
import type { Llm, LlmRequest } from './ports/llm.ts'
import type { Log } from './ports/log.ts'
import type { ProviderStates } from './ports/provider-states.ts'
import type { Telemetry } from './ports/telemetry.ts'
import type { Traces } from './ports/traces.ts'
import type { BatchDoors } from './wiring-batches.ts'

type Parts = {
  readonly config: Config
  readonly journal: Journal
  readonly telemetry: Telemetry
  readonly clock: Clock
  readonly log: Log
  readonly budget: Budget
  /** Absent when traces go nowhere. */
  readonly traces?: Traces | undefined
  readonly batches: Pick<BatchDoors, 'batchRequests' | 'batchProviders'>
  /** What all processes know of the providers. */
  readonly states: ProviderStates
}

/** One configured provider, with what it is asked for each tier. */
type Link = FallbackLink & { readonly name: Provider; readonly models: TierModels }

const allTiers = (model: string): TierModels => ({ cheap: model, standard: model, premium: model })

/**
 * From the outside in: tenant's tier, journal, offline batches, budget, routing, fallback, and for each configured provider
 * its breaker and its measured adapter. `extractive` ends every chain and is always there: it quotes the sources and declines
 * when they are weak.
 * @throws TypeError when a model is not pinned or has no price
 */
export function createModels(parts: Parts): { llm: Llm; modelAvailable: boolean } {
  const { config, journal, clock, log, budget, traces } = parts
  const prices = createPrices([...LIST_PRICES, ...(config.localLlm ? [freeOfCharge(config.localLlm.model)] : [])])
  const providers = linksOf(config, prices, clock)
  const failedCalls = createBilledCalls(createFailedCalls(journal, clock), (request, model) =>
    inputBill(request, model, prices, clock.now()),
  )
  const extractive: Link = { name: 'extractive', models: allTiers(EXTRACTIVE_MODEL), llm: createExtractiveLlm({ clock }) }
  const fallback = createFallbackLlm(guardedLinks(providers, extractive, parts), { log, clock, failedCalls })
  const models = new Map([...providers, extractive].map((link) => [link.name, link.models]))
  const routed = createRoutedLlm(fallback, models)
  const books = { budget, prices, billedCalls: failedCalls, extractive: extractive.llm, clock, log }
  const budgeted = createBudgetedLlm(routed, books)
  const { batchRequests: requests, batchProviders } = parts.batches
  const plan = (request: LlmRequest) => routed.plan(request)
  const offline = createOfflineLlm(budgeted, { requests, providers: batchProviders, plan, journal, prices, budget, clock })
  const journaled = createJournaledLlm(offline, { journal, clock, failedCalls })
  const llm = withTenantTier(journaled)
  return { llm: traces ? createTracedLlm(llm, { traces, clock }) : llm, modelAvailable: providers.length > 0 }
}

/** Only what goes out to somebody needs a breaker. */
function guardedLinks(providers: readonly Link[], extractive: Link, { telemetry, clock, log, states }: Parts): FallbackLink[] {
  const measuring = { telemetry: withPromptCacheRatio(telemetry), clock }
  const guards = new Map(providers.map(({ name }) => [name, createProviderGuard(name, { states, clock, log })]))
  registerProviderGauges(telemetry, guards)
  return [...providers, extractive].map(({ name, llm }) => {
    const measured = createMeasuredLlm(llm, name, measuring)
    const guard = guards.get(name)
    return { name, llm: guard ? createGuardedLlm(measured, name, guard) : measured }
  })
}

function linksOf({ openAi, anthropic, localLlm }: Config, prices: Prices, clock: Clock): Link[] {
  prices.assertPriced([...MODELS.openai.known, ...MODELS.anthropic.known])
  const links: Link[] = []
  if (openAi) {
    const models = MODELS.openai.tiers
    links.push({ name: 'openai', models, llm: createOpenAiLlm({ ...openAi, provider: 'openai', models, prices, clock }) })
  }
  if (anthropic) {
    const models = MODELS.anthropic.tiers
    links.push({ name: 'anthropic', models, llm: createAnthropicLlm({ ...anthropic, models, prices, clock }) })
  }
  if (localLlm) {
    assertPinned(localLlm.model)
    const models = allTiers(localLlm.model)
    const llm = createOpenAiLlm({ apiKey: 'none', baseUrl: localLlm.url, provider: 'local', models, prices, clock })
    links.push({ name: 'local', models, llm })
  }
  return links
}

/** A name that means another model tomorrow makes every recorded answer and every calibration a riddle. */
function assertPinned(model: string): void {
  if (/(?:^|[:@-])latest$/i.test(model)) throw new TypeError(`LOCAL_LLM_MODEL: "${model}" is not pinned; name a version`)
}
