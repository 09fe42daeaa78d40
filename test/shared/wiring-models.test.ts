import { expect, test } from 'vitest'
import { readConfig } from '#shared/config.ts'
import { createModels } from '#shared/wiring-models.ts'

/** The models are checked before anything else is opened, so nothing else need be there. */
const start = (environment: Record<string, string>) =>
  createModels({ config: readConfig(environment) } as unknown as Parameters<typeof createModels>[0])

test.each(['latest', 'llama3:latest', 'qwen-latest'])('a local model that is not pinned (%s) stops the start', (model) => {
  expect(() => start({ LOCAL_LLM_URL: 'http://127.0.0.1:1/v1', LOCAL_LLM_MODEL: model })).toThrow(`"${model}" is not pinned`)
})
