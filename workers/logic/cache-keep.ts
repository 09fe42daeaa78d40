import type { Answer, Recalled } from '#shared/domain/answer.ts'
import { SIMILARITY_ID } from '#shared/domain/cache.ts'
import { derivedId } from '#shared/domain/id.ts'
import type { Screened } from '#shared/domain/screened.ts'
import type { Verdict } from '#shared/domain/verdict.ts'
import { factsIn } from '#shared/text/facts-in-text.ts'
import type { Deps, StepContext } from '#workers/step.ts'

type Doors = Pick<Deps, 'cache' | 'cacheEvidence' | 'knowledge'>
type Delivered = {
  readonly answer: Answer
  readonly recalled?: Recalled | undefined
  readonly verdict?: Verdict | undefined
  readonly screened?: Screened | undefined
}

const HOUR_MS = 3_600_000

/** After a delivery: keeps a fresh proven answer for the next who asks, and learns whether a near one would have done. */
export async function keepForOthers(delivered: Delivered, doors: Doors, context: StepContext): Promise<void> {
  const { answer, recalled, verdict, screened } = delivered
  if (!recalled?.cacheable || recalled.hit) return
  await learnFrom(answer, recalled, doors, context)
  if (!verdict || !screened || answer.by === 'person') return
  const sources = await unchangedSources(answer, recalled, doors, context)
  if (!sources) return
  const question = [screened.subject, screened.text].filter(Boolean).join('\n')
  const cached = { answer, verdict, ticketId: context.subjectId, sources, question }
  await doors.cache.put(
    context.tenant.id,
    recalled.partition,
    recalled.key,
    cached,
    context.tenant.config.cache.keepHours * HOUR_MS,
  )
}

/**
 * The cited documents in the versions that were cited: those of now, when no document changed since the question came. The
 * version is read last, because it grows before a changed document counts as indexed.
 */
async function unchangedSources(answer: Answer, { partition }: Recalled, doors: Doors, { tenant }: StepContext) {
  const documentIds = [...new Set(answer.citations.map(({ documentId }) => documentId))]
  const sources = await doors.cacheEvidence.sources(tenant.id, documentIds)
  const version = await doors.knowledge.version(tenant.id)
  if (!partition.startsWith(`v${version}.`) || sources.length !== documentIds.length) return undefined
  if (!sources.every(({ settled }) => settled)) return undefined
  return sources.map(({ documentId, contentHash }) => ({ documentId, contentHash }))
}

async function learnFrom(
  answer: Answer,
  { partition, nearest }: Recalled,
  { cache, cacheEvidence }: Doors,
  context: StepContext,
) {
  if (!nearest) return
  const near = await cache.get(context.tenant.id, partition, nearest.key)
  if (!near) return
  await cacheEvidence.observe({
    id: derivedId('obs', context.runId),
    tenantId: context.tenant.id,
    questionKey: nearest.key,
    ticketId: context.subjectId,
    similarityId: SIMILARITY_ID,
    similarity: nearest.similarity,
    // What a person had to answer, the machine's answer to another question does not.
    correct: answer.by !== 'person' && saysTheSame(answer, near.answer),
    origin: 'answer',
    createdAt: context.now,
  })
}

/**
 * Whether a customer with either answer knows the same: the same figures, at least half of the cited stretches in common, none
 * of another document. In doubt it is false: that costs hits, not trust.
 */
export function saysTheSame(a: Answer, b: Answer): boolean {
  const figures = ({ text }: Answer) => [...new Set(factsIn(text).map(({ kind, value }) => `${kind} ${value}`))].sort().join('\n')
  const documents = ({ citations }: Answer) => [...new Set(citations.map(({ documentId }) => documentId))].sort().join('\n')
  const [chunksA, chunksB] = [a, b].map(({ citations }) => new Set(citations.map(({ chunkId }) => chunkId))) as [
    Set<string>,
    Set<string>,
  ]
  const shared = chunksA.intersection(chunksB).size
  if (shared === 0 || 2 * shared < chunksA.union(chunksB).size) return false
  return documents(a) === documents(b) && figures(a) === figures(b)
}
