import type * as z from 'zod'
import { type DigestDraft, FaqReply, labelReply, SummaryReply } from '#shared/domain/digest.ts'
import type { DigestSettings } from '#shared/domain/document-set.ts'
import { StepFailure } from '#shared/domain/failure.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { LlmReply, LlmRequest } from '#shared/ports/llm.ts'
import { askMany } from '#workers/logic/ask-many.ts'
import { contextOf } from '#workers/logic/chunk-context.ts'
import { detectLanguage } from '#workers/logic/detect-language.ts'
import { parsedItem, rejectItem } from '#workers/logic/digest-item.ts'
import { digestChunks, partsOf } from '#workers/logic/digest-parts.ts'
import { extractType } from '#workers/logic/extract-type.ts'
import { promptFence } from '#workers/logic/prompt-fence.ts'
import { promptRequest } from '#workers/logic/prompt-request.ts'
import type { Deps, PromptName, Step, StepContext } from '#workers/step.ts'

type Doors = Pick<Deps, 'digestItems' | 'llm' | 'prompts' | 'modelAvailable'>
type Part = { readonly passages: readonly Passage[]; readonly parts: number }

/**
 * Asks for what the set wants, part by part of a long document and all parts before the run parks. What comes back is shown to
 * nobody before `prove` has seen it. Without a model, summaries are quoted and all else says so: nothing is made up.
 */
export const digest: Step<'digest-document', 'digest', keyof Doors> = async (_facts, doors, context) => {
  const { digestItems } = doors
  const { item, parsed } = await parsedItem(digestItems, context)
  const { settings } = item
  if (!doors.modelAvailable && settings.task !== 'summarise') return rejectItem(digestItems, MODEL_REQUIRED, context)
  const chunks = digestChunks(context.subjectId, parsed, context.tenant)
  let draft: DigestDraft
  if (settings.task === 'contextualise') {
    const { replies } = await askMany(chunks, (chunk) => contextOf(chunk, parsed, doors, context), context)
    draft = { by: 'model', model: replies[0]?.model ?? '', replies: replies.map((reply) => reply?.text ?? '') }
  } else {
    const parts = partsOf(chunks)
    const ask = (passages: Passage[]) => askPart(settings, parsed, { passages, parts: parts.length }, doors, context)
    draft = draftFrom((await askMany(parts, ask, context)).replies as LlmReply[])
  }
  const refused = draft.by === 'extractive' && draft.replies.every((reply) => SummaryReply.parse(reply).sentences.length === 0)
  if (refused) return rejectItem(digestItems, MODEL_REQUIRED, context)
  await digestItems.saveDraft(context.tenant.id, context.runId, draft)
  return { outcome: 'digested', facts: { digested: { calls: draft.replies.length, by: draft.by } } }
}

const MODEL_REQUIRED = { code: 'model-required', reason: 'no model is configured that could do this' }

/** One part may have been answered by another model than the rest; one that only quotes names itself first. */
function draftFrom(replies: readonly LlmReply[]): DigestDraft {
  const extractive = replies.find(({ model }) => model.startsWith('extractive'))
  return {
    by: extractive ? 'extractive' : 'model',
    model: (extractive ?? replies[0])?.model ?? '',
    replies: replies.map(({ value }) => value),
  }
}

type Settings = Exclude<DigestSettings, { task: 'contextualise' }>

async function askPart(
  settings: Settings,
  parsed: ParsedDocument,
  part: Part,
  doors: Doors,
  context: StepContext,
): Promise<LlmReply> {
  const { id, variables, schema } = wishOf(settings, parsed, part)
  const prompt = doors.prompts[id]
  const user = prompt.user({
    fence: promptFence(context.runId, context.visit),
    title: parsed.title,
    instructions: settings.instructions === undefined ? '' : `\nMind this: ${settings.instructions}`,
    passages: part.passages.map(quoted).join('\n'),
    ...variables,
  })
  const request: LlmRequest = { ...promptRequest(prompt, user, context), task: 'summarise', schema }
  const options = { signal: context.signal }
  if (doors.modelAvailable) return doors.llm.generate(request, options)
  const material = { question: parsed.title, passages: part.passages }
  return doors.llm.generate({ ...request, task: 'generate', material }, options).catch(declined)
}

/** The model that quotes does not do everything; that is no failure of ours. */
function declined(error: unknown): LlmReply {
  if (!(error instanceof StepFailure) || error.failure.code !== 'extractive-cannot') throw error
  const usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 }
  const value = { answerable: false, sentences: [] }
  return { value, text: '', provider: 'extractive', model: 'extractive', usage, costUsd: 0, latencyMs: 0, fromJournal: false }
}

type Wish = {
  readonly id: PromptName
  readonly variables: Readonly<Record<string, string>>
  readonly schema: { readonly name: string; readonly type: z.ZodType }
}

function wishOf(settings: Settings, parsed: ParsedDocument, { passages, parts }: Part): Wish {
  const share = (most: number) => String(Math.max(1, Math.ceil(most / parts)))
  switch (settings.task) {
    case 'summarise': {
      const variables = { language: languageOf(parsed, passages), sentences: share(settings.maxSentences) }
      return { id: 'summarise-document', variables, schema: { name: 'summary', type: SummaryReply } }
    }
    case 'faq': {
      const variables = { language: languageOf(parsed, passages), pairs: share(settings.maxPairs) }
      return { id: 'write-faq', variables, schema: { name: 'faq', type: FaqReply } }
    }
    case 'classify': {
      const variables = { labels: settings.labels.join('\n') }
      return { id: 'classify-document', variables, schema: { name: 'label', type: labelReply(settings.labels) } }
    }
    case 'extract':
      return { id: 'extract-data', variables: {}, schema: { name: 'data', type: extractType(settings.schema) } }
  }
}

/** The document's own: a claim in another language cannot be compared with it. */
function languageOf({ language }: ParsedDocument, [first]: readonly Passage[]): string {
  const detected = language ?? detectLanguage((first?.text ?? '').slice(0, 3_000)).language
  return detected === 'und' ? 'en' : detected
}

const quoted = ({ n, section, text }: Passage) =>
  `<passage n="${n}" section="${section.join(' > ').replaceAll('"', "'").replaceAll('\n', ' ')}">\n${text}\n</passage>`
