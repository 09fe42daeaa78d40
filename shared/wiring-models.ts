import { createFailedCalls } from './adapters/models/failed-calls.ts'
import { ANTHROPIC_MODELS, createAnthropicLlm } from './adapters/models/llm.anthropic.ts'
import { createExtractiveLlm } from './adapters/models/llm.extractive.ts'
import { createFallbackLlm, type FallbackLink } from './adapters/models/llm.fallback.ts'
import { createJournaledLlm } from './adapters/models/llm.journaled.ts'
import { createMeasuredLlm } from './adapters/models/llm.measured.ts'
import { createOpenAiLlm, OPENAI_MODELS } from './adapters/models/llm.openai.ts'
import type { Config } from './config.ts'
import { createPrices, freeOfCharge, LIST_PRICES } from './domain/price.ts'
import type { Clock } from './ports/clock.ts'
import type { Journal } from './ports/journal.ts'
import type { Llm } from './ports/llm.ts'
import type { Log } from './ports/log.ts'
import type { Telemetry } from './ports/telemetry.ts'

type Parts = {
  readonly config: Config
  readonly journal: Journal
  readonly telemetry: Telemetry
  readonly clock: Clock
  readonly log: Log
}

/**
 * measured journal around a fallback over whatever is configured: OpenAI, Anthropic, a local server, and at the end
 * `extractive`, which is always there: it quotes the sources and declines when they are weak.
 */
export function createModels({ config, journal, telemetry, clock, log }: Parts): { llm: Llm; modelAvailable: boolean } {
  const prices = createPrices([...LIST_PRICES, ...(config.localLlm ? [freeOfCharge(config.localLlm.model)] : [])])
  const links: FallbackLink[] = []
  if (config.openAi)
    links.push({
      name: 'openai',
      llm: createOpenAiLlm({ ...config.openAi, provider: 'openai', models: OPENAI_MODELS, prices, clock }),
    })
  if (config.anthropic)
    links.push({ name: 'anthropic', llm: createAnthropicLlm({ ...config.anthropic, models: ANTHROPIC_MODELS, prices, clock }) })
  if (config.localLlm) {
    const { url, model } = config.localLlm
    const models = { cheap: model, standard: model, premium: model }
    links.push({
      name: 'local',
      llm: createOpenAiLlm({ apiKey: 'none', baseUrl: url, provider: 'local', models, prices, clock }),
    })
  }
  const modelAvailable = links.length > 0
  const measured = [...links, { name: 'extractive', llm: createExtractiveLlm({ clock }) }].map(({ name, llm }) => ({
    name,
    llm: createMeasuredLlm(llm, name, { telemetry, clock }),
  }))
  const failedCalls = createFailedCalls(journal, clock)
  const fallback = createFallbackLlm(measured, { log, clock, failedCalls })
  return { llm: createJournaledLlm(fallback, { journal, clock, failedCalls }), modelAvailable }
}
