import type { Config } from '#shared/config.ts'
import { DEFAULT_TENANT_ID } from '#shared/domain/tenant.ts'
import type { Log } from '#shared/ports/log.ts'
import { createLog, openDoors } from '#shared/wiring.ts'
import { loadPrompts } from '#workers/prompts.ts'
import { createDefaultTenant } from './platform.ts'
import { type PrivateRedis, startPrivateRedis } from './private-redis.ts'

/**
 * The installation's own way to its models, for a command: the same journal, budgets, breakers and prices, on the account of the
 * tenant `default`.
 * @param why what the provider is needed for; begins the message where none is configured
 * @throws Error that names the settings, or what holds the data folder
 */
export async function openModelGateway(config: Config, why: string, log: Log = createLog('warn')) {
  const { openAi, anthropic, localLlm } = config
  if (!openAi && !anthropic && !localLlm) {
    throw new Error(`${why} needs a model: set OPENAI_API_KEY, ANTHROPIC_API_KEY, or LOCAL_LLM_URL and LOCAL_LLM_MODEL`)
  }
  let redis: PrivateRedis | undefined
  try {
    if (config.redisUrl === undefined) redis = await startPrivateRedis(config.dataDir, () => {})
    const doors = await openDoors({ config, redisUrl: config.redisUrl ?? redis!.url, queueNames: [], log })
    await createDefaultTenant(doors)
    const tenant = await doors.tenants.get(DEFAULT_TENANT_ID)
    return {
      llm: doors.llm,
      prompts: loadPrompts(),
      call: { tenantId: DEFAULT_TENANT_ID, models: tenant!.config.models },
      /** Where the models are asked, so that a report cannot pass one server off as another. */
      endpoints: {
        ...(openAi && { openai: openAi.baseUrl ?? 'the provider’s own' }),
        ...(anthropic && { anthropic: anthropic.baseUrl ?? 'the provider’s own' }),
        ...(localLlm && { local: localLlm.url }),
      },
      async close() {
        await doors.close()
        await redis?.stop()
      },
    }
  } catch (error) {
    await redis?.stop()
    throw error
  }
}
