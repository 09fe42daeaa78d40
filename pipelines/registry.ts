import { digestDocument } from './digest-document.ts'
import { indexDocument } from './index-document.ts'
import type { Pipeline } from './pipeline.ts'
import { sendWebhook } from './send-webhook.ts'
import { supportTicket } from './support-ticket.ts'

/** Every pipeline there is, by name; types follow from it. */
export const pipelines = {
  'support-ticket': supportTicket,
  'index-document': indexDocument,
  'digest-document': digestDocument,
  'send-webhook': sendWebhook,
} as const
export type Pipelines = typeof pipelines
export type PipelineName = keyof Pipelines

export const pipelineNamed = (name: string): Pipeline | undefined => (pipelines as unknown as Record<string, Pipeline>)[name]

/** A queue per step, `<pipeline>.<step>`; a person's step has one, too: its function hands the run over. */
export const queueName = (pipeline: string, step: string) => `${pipeline}.${step}`
export const allQueues = (): { pipeline: string; step: string; queue: string }[] =>
  Object.values(pipelines as unknown as Record<string, Pipeline>).flatMap((pipeline) =>
    Object.keys(pipeline.steps).map((step) => ({ pipeline: pipeline.name, step, queue: queueName(pipeline.name, step) })),
  )
