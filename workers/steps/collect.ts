import { createHash } from 'node:crypto'
import { beginRun } from '#pipelines/advance.ts'
import { indexDocument } from '#pipelines/index-document.ts'
import { type DigestResult, faqDocumentId } from '#shared/domain/digest.ts'
import { derivedId } from '#shared/domain/id.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { IncomingDocument } from '#shared/ports/document-intake.ts'
import type { DigestItem } from '#shared/ports/document-set-store.ts'
import type { NewRun } from '#shared/ports/run-log.ts'
import { itemOf } from '#workers/logic/digest-item.ts'
import type { Deps, Step, StepContext } from '#workers/step.ts'

/** The last word on a document: its result counts. Pairs that are to be indexed go the way of every document. */
export const collect: Step<'digest-document', 'collect', 'digestItems' | 'intake'> = async (_facts, deps, context) => {
  const { digestItems } = deps
  const { tenant, runId, now } = context
  const item = await itemOf(digestItems, context)
  const result = await digestItems.resultOf(tenant.id, runId)
  const indexRunId = result?.task === 'faq' ? await indexPairs(item, result, deps, context) : undefined
  await digestItems.settle(tenant.id, runId, null, now)
  return { outcome: 'collected', facts: { collected: indexRunId === undefined ? {} : { indexRunId } } }
}

type Faq = Extract<DigestResult, { task: 'faq' }>

/** @returns the run that indexes them, when they are to be indexed */
async function indexPairs(
  item: DigestItem,
  faq: Faq,
  { digestItems, intake }: Pick<Deps, 'digestItems' | 'intake'>,
  context: StepContext,
): Promise<string | undefined> {
  if (item.settings.task !== 'faq' || !item.settings.index) return undefined
  // Settled before a crash: then the pairs are on their way already.
  const parsed = await digestItems.parsedOf(context.tenant.id, context.runId)
  if (!parsed) return undefined
  const document = faqDocument(faq, parsed, context)
  const run = indexRun(document, context)
  const taken = await intake.accept(document, run)
  return taken.kind === 'unchanged' ? taken.runId : run.id
}

/** One document of pairs for each source: the next digest of that source replaces it. Found by whoever may find the source. */
function faqDocument({ pairs }: Faq, parsed: ParsedDocument, { tenant, subjectId }: StepContext): IncomingDocument {
  const title = `Questions and answers: ${parsed.title}`.slice(0, 500)
  const text = pairs
    .map(({ question, text: answer }) => `## ${question.replace(/\s+/g, ' ')}\n\n${withoutNumbers(answer)}`)
    .join('\n\n')
  const { url, product, audience, language } = parsed
  const about = [title, text, 'text/markdown', url ?? null, product ?? null, audience, language ?? null]
  return {
    id: faqDocumentId(tenant.id, subjectId),
    tenantId: tenant.id,
    title,
    text,
    contentType: 'text/markdown',
    audience,
    contentHash: createHash('sha256').update(JSON.stringify(about)).digest('hex'),
    metadata: { madeBy: 'digest-document', from: subjectId },
    ...(url === undefined ? {} : { url }),
    ...(product === undefined ? {} : { product }),
    ...(language === undefined ? {} : { language }),
  }
}

/** `[1]` leads to a list of quotations that the document of pairs does not have. */
const withoutNumbers = (text: string): string => text.replace(/ ?(?:\[\d{1,3}\])+/g, '')

/** Held: the feeder puts it on its queue, as it does with the runs of a large upload. */
function indexRun(document: IncomingDocument, { tenant, runId, traceId, now }: StepContext): NewRun {
  const lane = tenant.config.knowledge.contextSentences === 'offline' ? 'offline' : 'standard'
  return {
    id: derivedId('run', runId, 'faq'),
    tenantId: tenant.id,
    pipeline: indexDocument.name,
    version: indexDocument.version,
    subjectId: document.id,
    traceId,
    state: beginRun(indexDocument, lane, now),
    given: { [indexDocument.given]: { documentId: document.id, contentHash: document.contentHash } },
    createdAt: now,
    held: true,
  }
}
