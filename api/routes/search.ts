import * as z from 'zod'
import { Audience } from '#shared/domain/document.ts'
import { Passage } from '#shared/domain/passage.ts'
import type { ScoredCandidate } from '#shared/ports/searcher.ts'
import { promptOrder } from '#shared/text/prompt-order.ts'
import type { App } from '../app.ts'
import { maySeeRaw } from '../auth.ts'
import type { ApiDeps, ApiLimits } from '../deps.ts'
import { takePerMinute } from '../limits.ts'
import { Problem } from '../problem.ts'
import { responses, Text } from '../schemas.ts'

const SearchInput = z.strictObject({
  query: Text(2_000).refine((query) => query.trim().length > 0, 'must not be empty'),
  topK: z.int().min(1).max(50).default(5),
  filters: z
    .strictObject({
      product: Text(200).optional(),
      language: z
        .string()
        .regex(/^[a-z]{2,3}$/)
        .optional(),
      audiences: z.array(Audience).min(1).max(4).optional(),
      /** Only documents modified at or after it. */
      modifiedFrom: z.iso.datetime({ offset: true }).optional(),
    })
    .prefault({}),
  /** On either side of each passage, of its section, within the token budget. */
  neighbours: z.int().min(0).max(2).default(0),
  /** What an answer might look like; its meaning is searched for too. */
  hypothetical: Text(4_000).optional(),
  explain: z.boolean().default(false),
})

const Candidate = z.object({
  chunkId: z.string(),
  documentId: z.string(),
  title: z.string(),
  section: z.array(z.string()),
  dense: z.object({ rank: z.int(), score: z.number() }).nullable(),
  sparse: z.object({ rank: z.int(), score: z.number() }).nullable(),
  fused: z.number(),
  rerank: z.number().nullable(),
})
const SearchOutput = z.object({
  passages: z.array(Passage),
  evidence: z.number(),
  /** Legs of the search that did not answer in time. */
  failedLegs: z.array(z.string()),
  /** True when one leg did not answer in time and the other one served alone. */
  degraded: z.boolean(),
  candidates: z.array(Candidate).optional(),
  /** What was searched for beside the query, and in which order a model would be given the passages (their numbers). */
  explained: z
    .object({ synonyms: z.array(z.string()), hypothetical: z.string().optional(), promptOrder: z.array(z.int()) })
    .optional(),
})

const candidateView = ({ chunk, dense, sparse, fused, rerank }: ScoredCandidate): z.infer<typeof Candidate> => ({
  chunkId: chunk.id,
  documentId: chunk.documentId,
  title: chunk.title,
  section: chunk.section,
  dense: dense ?? null,
  // The signals that the reranker reads are no part of what a score is.
  sparse: sparse ? { rank: sparse.rank, score: sparse.score } : null,
  fused,
  rerank: rerank ?? null,
})

export function searchRoutes(app: App, deps: ApiDeps, limits: ApiLimits): void {
  app.post(
    '/search',
    {
      config: { roles: ['read', 'agent', 'operator'] },
      schema: {
        tags: ['documents'],
        summary: 'Search the knowledge',
        body: SearchInput,
        response: responses({ 200: SearchOutput }),
      },
    },
    async ({ caller, body, id }, reply) => {
      const { product, language, modifiedFrom, audiences = ['public', 'standard', 'enterprise'] } = body.filters
      // Internal documents are for those who work here, whatever a caller asks for.
      if (audiences.includes('internal') && !maySeeRaw(caller.roles))
        throw new Problem(403, 'forbidden', 'internal documents need a key with one of the roles: agent, operator')
      await takePerMinute(`searches:${caller.tenant.id}`, caller.tenant.config.limits.searchesPerMinute, 1, 'searches', deps)
      const filter = {
        tenantId: caller.tenant.id,
        audiences,
        ...(product ? { product } : {}),
        ...(language ? { language } : {}),
        ...(modifiedFrom ? { modifiedFrom } : {}),
      }
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(limits.searchTimeoutMs)])
      const { query, topK, explain, neighbours, hypothetical } = body
      const { synonyms, passageOrder } = caller.tenant.config.knowledge
      const owner = { tenantId: caller.tenant.id, runId: id, step: 'search', visit: 1 }
      const request = { query, topK, explain, neighbours, hypothetical, synonyms, filter, owner }
      const { passages, evidence, failedLegs, candidates, expansion } = await deps.searcher.search(request, signal)
      const explained = expansion && { ...expansion, promptOrder: promptOrder(passages, passageOrder).map(({ n }) => n) }
      return {
        ...{ passages, evidence, failedLegs, degraded: failedLegs.length > 0 },
        ...(candidates ? { candidates: candidates.map(candidateView) } : {}),
        ...(explained ? { explained } : {}),
      }
    },
  )
}
