import { LRUCache } from 'lru-cache'
import { type CacheMatch, type NearestQuestion, SIMILARITY_ID } from '#shared/domain/cache.ts'
import type { AnswerCache, CachedAnswer } from '#shared/ports/answer-cache.ts'
import type { CacheEvidence } from '#shared/ports/cache-evidence.ts'
import type { StepContext } from '#workers/step.ts'
import { type Calibration, calibrate, exploreProbability, type Observation } from './cache-decision.ts'
import { differsIn, type GuardedReading, readGuarded } from './cache-guards.ts'
import { createQuestionIndexes, type QuestionIndex, type QuestionIndexes } from './cache-index.ts'
import { compareQuestions } from './cache-similarity.ts'
import { REFERENCE_THRESHOLDS } from './cache-weights.ts'

export type Lookup = { readonly tenantId: string; readonly partition: string; readonly key: string; readonly question: string }
export type Found = {
  readonly hit?: { readonly cached: CachedAnswer; readonly by: CacheMatch; readonly key: string; readonly similarity: number }
  /** A question that is near but was not trusted: what becomes of this one says whether it should have been. */
  readonly nearest?: NearestQuestion
}
type Doors = { readonly cache: AnswerCache; readonly cacheEvidence: CacheEvidence }
type Candidate = { readonly key: string; readonly text: string; readonly similarity: number; readonly nearExact: boolean }

/** Read along in one lookup; a large partition that is new to this process is learned over several. */
const QUESTIONS_AT_ONCE = 500
const CANDIDATES = 20
/** Below this, two questions have so little in common that comparing their answers teaches nothing. */
const WORTH_LEARNING = 0.3
const MAX_OBSERVATIONS = 500
const CALIBRATION_MS = 30_000

/** What a process knows beside the doors; it lives as long as they do, and all of it can be read again. */
type Memory = {
  readonly indexes: QuestionIndexes
  readonly readings: LRUCache<string, GuardedReading>
  readonly calibrations: Map<string, { readonly until: number; readonly evidence: Promise<Evidence> }>
}
type Evidence = { readonly tenant: Calibration | undefined; readonly byQuestion: ReadonlyMap<string, readonly Observation[]> }
const memories = new WeakMap<AnswerCache, Memory>()

/** Exact, then near-exact, then alike; whatever is found is read from the cache, and its sources from the database, before it counts. */
export async function findCached(asked: Lookup, doors: Doors, context: StepContext): Promise<Found> {
  const memory = memoryOf(doors.cache)
  const { similar } = context.tenant.config.cache
  const index = memory.indexes.of(asked.tenantId, asked.partition)
  const [exact] = await Promise.all([
    standing(asked.key, asked, doors),
    similar === 'off' ? undefined : learn(index, asked, doors.cache),
  ])
  if (exact) return { hit: { cached: exact, by: 'exact', key: asked.key, similarity: 1 } }
  if (similar === 'off') return {}
  for (const candidate of candidatesFor(asked, index, memory)) {
    const by = candidate.nearExact ? 'near-exact' : await trusted(candidate, asked, memory, doors, context)
    if (by === 'no') return {}
    const cached = await standing(candidate.key, asked, doors)
    if (!cached) index.remove(candidate.key)
    else if (by === 'explore') {
      return { nearest: { key: candidate.key, ticketId: cached.ticketId, similarity: candidate.similarity } }
    } else return { hit: { cached, by, key: candidate.key, similarity: candidate.similarity } }
  }
  return {}
}

/** An entry whose documents are all as they were when it was made; any other is evicted, so that it is not looked at again. */
async function standing(key: string, { tenantId, partition }: Lookup, { cache, cacheEvidence }: Doors) {
  const cached = await cache.get(tenantId, partition, key)
  if (!cached) return undefined
  const documentIds = cached.sources.map(({ documentId }) => documentId)
  const now = new Map((await cacheEvidence.sources(tenantId, documentIds)).map((source) => [source.documentId, source]))
  const stands = cached.sources.every(({ documentId, contentHash }) => now.get(documentId)?.contentHash === contentHash)
  if (!stands) await cache.evict(tenantId, partition, key)
  return stands ? cached : undefined
}

async function learn(index: QuestionIndex, { tenantId, partition }: Lookup, cache: AnswerCache): Promise<void> {
  const fresh = await cache.questions(tenantId, partition, index.cursor, QUESTIONS_AT_ONCE)
  for (const question of fresh) {
    // A repeat: the entry was put anew after it was gone.
    index.add(question)
    if (question.cursor > index.cursor || index.cursor === '') index.cursor = question.cursor
  }
}

function candidatesFor({ question, key }: Lookup, index: QuestionIndex, { readings }: Memory): Candidate[] {
  const reading = readingOf(question, readings)
  if (reading.tooLong) return []
  return index
    .nearest(reading.terms, CANDIDATES)
    .filter((other) => other.key !== key)
    .flatMap(({ key: otherKey, text }) => {
      const other = readingOf(text, readings)
      // First, because most candidates end here and the rest of the comparison costs more.
      if (differsIn(reading, other) !== undefined) return []
      const { similarity, nearExact } = compareQuestions(reading, other)
      return [{ key: otherKey, text, similarity, nearExact }]
    })
    .sort((a, b) => Number(b.nearExact) - Number(a.nearExact) || b.similarity - a.similarity)
}

/** The published rule on the entry's own observations where there are enough, else on all of the tenant's; without either, no. */
async function trusted(
  { key, text, similarity }: Candidate,
  asked: Lookup,
  memory: Memory,
  doors: Doors,
  { tenant, random, now }: StepContext,
): Promise<'similar' | 'explore' | 'no'> {
  const { similar, maxErrorRate } = tenant.config.cache
  if (similarity < WORTH_LEARNING) return 'no'
  if (similar === 'near-exact' || similar === 'off') return 'no'
  const evidence = await evidenceOf(asked.tenantId, memory, doors, now)
  const calibration = calibrate(evidence.byQuestion.get(key) ?? []) ?? evidence.tenant
  if (calibration) return random() < exploreProbability(calibration, similarity, maxErrorRate) ? 'explore' : 'similar'
  if (similar !== 'reference') return 'explore'
  const questions = readingOf(asked.question, memory.readings).isQuestion && readingOf(text, memory.readings).isQuestion
  return similarity >= REFERENCE_THRESHOLDS[questions ? 'questions' : 'statements'] ? 'similar' : 'explore'
}

/** Read anew every half minute: feedback counts soon, and a lookup seldom waits for it. */
function evidenceOf(tenantId: string, { calibrations }: Memory, { cacheEvidence }: Doors, now: Date): Promise<Evidence> {
  const known = calibrations.get(tenantId)
  if (known && known.until > now.getTime()) return known.evidence
  const evidence = cacheEvidence.observations(tenantId, SIMILARITY_ID, MAX_OBSERVATIONS).then((observations) => ({
    tenant: calibrate(observations),
    byQuestion: Map.groupBy(observations, ({ questionKey }) => questionKey),
  }))
  calibrations.set(tenantId, { until: now.getTime() + CALIBRATION_MS, evidence })
  evidence.catch(() => calibrations.delete(tenantId))
  return evidence
}

function memoryOf(cache: AnswerCache): Memory {
  const known = memories.get(cache)
  if (known) return known
  const memory = {
    indexes: createQuestionIndexes(),
    readings: new LRUCache<string, GuardedReading>({ max: 2_000 }),
    calibrations: new Map(),
  }
  memories.set(cache, memory)
  return memory
}

function readingOf(text: string, readings: Memory['readings']): GuardedReading {
  const known = readings.get(text)
  if (known) return known
  const reading = readGuarded(text)
  readings.set(text, reading)
  return reading
}
