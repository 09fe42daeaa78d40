import { anthropicModels, openAiChatModels, openAiEmbeddingModels } from './openai-request.ts'
import type { Handler } from './world.ts'

/** GET /v1/models as OpenAI answers it. */
export const openAiModelList: Handler = (exchange, _body, { localModels }) => {
  const ids = [...openAiChatModels(), ...openAiEmbeddingModels(), ...localModels]
  exchange.json(200, {
    object: 'list',
    data: ids.map((id) => ({ id, object: 'model', created: 1_790_000_000, owned_by: 'simulator' })),
  })
}

/** GET /v1/models as Anthropic answers it. */
export const anthropicModelList: Handler = (exchange) => {
  const data = anthropicModels().map((id) => ({ type: 'model', id, display_name: id, created_at: '2026-09-01T00:00:00Z' }))
  exchange.json(200, { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null })
}
