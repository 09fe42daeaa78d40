import type { Reads, Result, StepName } from '#pipelines/define.ts'
import type { PipelineName, Pipelines } from '#pipelines/registry.ts'
import type { Tenant } from '#shared/domain/tenant.ts'
import type { Lane } from '#shared/domain/ticket.ts'
import type { AnswerCache } from '#shared/ports/answer-cache.ts'
import type { CacheEvidence } from '#shared/ports/cache-evidence.ts'
import type { ConversationStore } from '#shared/ports/conversation-store.ts'
import type { Dispatcher } from '#shared/ports/dispatcher.ts'
import type { DocumentIntake } from '#shared/ports/document-intake.ts'
import type { DigestItems } from '#shared/ports/document-set-store.ts'
import type { DocumentStore } from '#shared/ports/document-store.ts'
import type { Embedder } from '#shared/ports/embedder.ts'
import type { EscalationStore } from '#shared/ports/escalation-store.ts'
import type { ExampleBank } from '#shared/ports/example-bank.ts'
import type { Knowledge } from '#shared/ports/knowledge.ts'
import type { Llm, LlmRequest } from '#shared/ports/llm.ts'
import type { Log } from '#shared/ports/log.ts'
import type { PersonalDataFinder } from '#shared/ports/personal-data-finder.ts'
import type { DenseIndex, SparseIndex } from '#shared/ports/search-index.ts'
import type { SearchSpace } from '#shared/ports/search-space.ts'
import type { Searcher } from '#shared/ports/searcher.ts'
import type { TextExtractor } from '#shared/ports/text-extractor.ts'
import type { TokenStream } from '#shared/ports/token-stream.ts'
import type { Webhook } from '#shared/ports/webhook.ts'

/** A prompt file, ready to be filled. */
export type Prompt = {
  readonly id: string
  readonly version: number
  /** SHA-256 of the file: two prompts with one id and version but different words are told apart. */
  readonly hash: string
  readonly tier: LlmRequest['tier']
  readonly maxOutputTokens: number
  readonly system: string
  /** @throws TypeError when a variable is missing or unknown */
  readonly user: (variables: Readonly<Record<string, string>>) => string
}
export type PromptName =
  | 'draft-answer'
  | 'classify-ticket'
  | 'second-opinion'
  | 'rewrite-follow-up'
  | 'imagine-passage'
  | 'summarise-conversation'
  | 'contextualise-chunk'
  | 'check-entailment'
  | 'summarise-document'
  | 'classify-document'
  | 'extract-data'
  | 'write-faq'

/** The doors a step may ask for; each names those it uses and gets no others. */
export type Deps = {
  readonly llm: Llm
  /** False when no provider is configured: then nobody can be asked who is not here. */
  readonly modelAvailable: boolean
  readonly prompts: Readonly<Record<PromptName, Prompt>>
  readonly searcher: Searcher
  readonly knowledge: Knowledge
  readonly cache: AnswerCache
  readonly cacheEvidence: CacheEvidence
  readonly examples: ExampleBank
  readonly documents: DocumentStore
  readonly intake: DocumentIntake
  readonly digestItems: DigestItems
  readonly extractor: TextExtractor
  readonly embedder: Embedder
  readonly dense: DenseIndex
  readonly sparse: SparseIndex
  readonly space: SearchSpace
  readonly escalations: EscalationStore
  readonly conversations: ConversationStore
  readonly dispatcher: Dispatcher
  readonly webhook: Webhook
  /** Absent unless the operator runs one beside our own finders. */
  readonly personalData?: PersonalDataFinder | undefined
  readonly stream: TokenStream
}

export type StepContext = {
  readonly tenant: Tenant
  readonly runId: string
  readonly subjectId: string
  readonly traceId: string
  readonly lane: Lane
  readonly step: string
  readonly seq: number
  readonly attempt: number
  /** How often the run has entered this step, from 1. */
  readonly visit: number
  readonly now: Date
  /** In [0, 1). */
  readonly random: () => number
  /** Aborts at the step's deadline, when the run is overtaken or cancelled, and when the process must stop. */
  readonly signal: AbortSignal
  readonly log: Log
  /** Whose model call it is; goes into every `LlmRequest`. */
  readonly call: LlmRequest['call']
}

/** A step: facts in, an outcome with the facts it promised out. It never names its successor. */
export type Step<P extends PipelineName, K extends StepName<Pipelines[P]>, D extends keyof Deps = never> = (
  facts: Reads<Pipelines[P], K>,
  deps: Pick<Deps, D>,
  context: StepContext,
) => Promise<Result<Pipelines[P], K>>

/** A function for every step of every pipeline: a missing one is a type error. */
export type StepTable = { readonly [P in PipelineName]: { readonly [K in StepName<Pipelines[P]>]: Step<P, K, keyof Deps> } }

/** As the engine calls it, after the facts have been parsed. */
export type AnyStep = (
  facts: Readonly<Record<string, unknown>>,
  deps: Deps,
  context: StepContext,
) => Promise<{ outcome: string; facts: Record<string, unknown>; until?: Date }>
