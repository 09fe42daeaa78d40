import OpenAI from 'openai'
import { strictSchemaOf } from '#shared/adapters/models/reply-schema.ts'
import { MODELS } from '#shared/domain/model-table.ts'
import { draftRequestOf } from '../gateway-request.ts'
import { answerCalls } from '../side.ts'
import { steadyLoad } from '../steady-load.ts'

/** The baseline: the official SDK with the same request, its stream read to the end and its JSON parsed; nothing else. */
let client: OpenAI

async function open({ providerUrl }: { providerUrl: string }): Promise<void> {
  client = new OpenAI({ apiKey: 'simulated', baseURL: `${providerUrl}/v1`, maxRetries: 0 })
}

async function call(round: string, i: number): Promise<void> {
  const { system, messages, schema, maxOutputTokens, prompt } = draftRequestOf(round, i)
  const stream = await client.chat.completions.create({
    model: MODELS.openai.tiers.cheap,
    messages: [{ role: 'system', content: system }, ...messages],
    max_completion_tokens: maxOutputTokens,
    response_format: {
      type: 'json_schema',
      json_schema: { name: schema.name, strict: true, schema: strictSchemaOf(schema.type) },
    },
    prompt_cache_key: `${prompt.id}:${prompt.version}`,
    stream: true,
    stream_options: { include_usage: true },
  })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  schema.type.parse(JSON.parse(text))
}

const fire = ({ round, perSecond, seconds }: { round: string; perSecond: number; seconds: number }) =>
  steadyLoad({ perSecond, seconds }, (i) => call(round, i))

answerCalls({ open, fire }, async () => {})
