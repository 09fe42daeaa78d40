import { createHash } from 'node:crypto'

/**
 * Names of span attributes, all in one place. Those of `gen_ai` and `error` are OpenTelemetry's semantic conventions for
 * generative AI (https://opentelemetry.io/docs/specs/semconv/gen-ai/), so that trace viewers know what they see.
 */
export const ATTRIBUTES = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  requestMaxTokens: 'gen_ai.request.max_tokens',
  responseModel: 'gen_ai.response.model',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: 'gen_ai.usage.cache_creation.input_tokens',
  errorType: 'error.type',
  runId: 'answerline.run.id',
  pipeline: 'answerline.pipeline',
  lane: 'answerline.lane',
  status: 'answerline.run.status',
  step: 'answerline.step',
  attempt: 'answerline.step.attempt',
  visit: 'answerline.step.visit',
  seq: 'answerline.step.seq',
  outcome: 'answerline.step.outcome',
  task: 'answerline.model.task',
  tier: 'answerline.model.tier',
  promptId: 'answerline.prompt.id',
  promptVersion: 'answerline.prompt.version',
  costUsd: 'answerline.cost_usd',
  fromJournal: 'answerline.from_journal',
} as const

/** The span of a whole run, or of what it did at one `seq`: the same for every process, so that children find their parent. */
export const spanIdOf = (runId: string, seq?: number): string =>
  createHash('sha256')
    .update(seq === undefined ? runId : `${runId} ${seq}`)
    .digest('hex')
    .slice(0, 16)

export type TraceParent = { readonly traceId: string; readonly spanId: string }
