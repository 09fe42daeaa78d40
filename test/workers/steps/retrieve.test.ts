import { expect, test } from 'vitest'
import { Tenant, TenantConfig } from '#shared/domain/tenant.ts'
import type { Searcher, SearchRequest, SearchResult } from '#shared/ports/searcher.ts'
import { MemoryKnowledge } from '#test/fakes/knowledge.memory.ts'
import type { StepContext } from '#workers/step.ts'
import { retrieve } from '#workers/steps/retrieve.ts'

const passage = {
  n: 1,
  chunkId: 'a:v1:0',
  documentId: 'a',
  title: 'A',
  section: [],
  text: 'x',
  start: 0,
  end: 1,
  scores: { fused: 1 },
}

async function run(
  result: SearchResult,
  change: { tier?: 'free' | 'standard' | 'enterprise'; query?: string; minEvidence?: number } = {},
) {
  const requests: SearchRequest[] = []
  const warnings: unknown[] = []
  const searcher: Searcher = {
    async search(request) {
      requests.push(request)
      return result
    },
  }
  const config = TenantConfig.parse(change.minEvidence === undefined ? {} : { policies: { minEvidence: change.minEvidence } })
  const context = {
    tenant: Tenant.parse({ id: 'acme', name: 'Acme', config, createdAt: new Date(0) }),
    signal: AbortSignal.timeout(30_000),
    log: { info() {}, warn: (detail: unknown) => warnings.push(detail), error() {} },
  } as unknown as StepContext
  const facts = {
    ticket: { tier: change.tier ?? 'free' },
    screened: { subject: 'Subject', text: 'Body' },
    triage: { query: change.query ?? 'why amber' },
  } as Parameters<typeof retrieve>[0]
  const knowledge = new MemoryKnowledge()
  await knowledge.bump('acme')
  return { result: await retrieve(facts, { searcher, knowledge }, context), requests, warnings }
}
const found = (evidence: number): SearchResult => ({ passages: [passage], evidence, failedLegs: [] })

test('hands on what was found, with the knowledge version it was found under', async () => {
  const { result, requests } = await run(found(0.9))
  expect(result).toEqual({
    outcome: 'found',
    facts: { passages: { passages: [passage], evidence: 0.9, degraded: false, knowledgeVersion: '1' } },
  })
  expect(requests).toEqual([{ query: 'why amber', filter: { tenantId: 'acme', audiences: ['public'] } }])
})

test('shows a customer what is public and what is for customers of their kind, nothing else', async () => {
  for (const [tier, audiences] of [
    ['free', ['public']],
    ['standard', ['public', 'standard']],
    ['enterprise', ['public', 'enterprise']],
  ] as const) {
    expect((await run(found(0.9), { tier })).requests[0]!.filter.audiences).toEqual(audiences)
  }
})

test('too little evidence, or none, is nothing; the tenant may set the bar', async () => {
  expect((await run(found(0.01))).result.outcome).toBe('nothing')
  expect((await run({ passages: [], evidence: 0, failedLegs: [] }, { minEvidence: 0 })).result.outcome).toBe('nothing')
  expect((await run(found(0.5), { minEvidence: 0.6 })).result.outcome).toBe('nothing')
  expect((await run(found(0.1), { minEvidence: 0.05 })).result.outcome).toBe('found')
})

test('asks with the message itself when there is no query, and says when the search was degraded', async () => {
  const { result, requests, warnings } = await run({ ...found(0.9), failedLegs: ['dense'] }, { query: '  ' })
  expect(requests[0]!.query).toBe('Subject\nBody')
  expect(result.facts.passages.degraded).toBe(true)
  expect(warnings).toEqual([{ failedLegs: ['dense'] }])
})
