import { expect, test } from 'vitest'
import { Parked } from '#shared/domain/failure.ts'
import { Tenant, TenantConfig } from '#shared/domain/tenant.ts'
import type { Searcher, SearchRequest, SearchResult } from '#shared/ports/searcher.ts'
import { MemoryKnowledge } from '#test/fakes/knowledge.memory.ts'
import { createScriptedLlm } from '#test/fakes/llm.scripted.ts'
import { sampleScreened, sampleTicket, sampleTriage } from '#test/fakes/sample-facts.ts'
import { stepContext } from '#test/fakes/step-context.ts'
import { loadPrompts } from '#workers/prompts.ts'
import type { Deps, StepContext } from '#workers/step.ts'
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
  const none = {} as Pick<Deps, 'llm' | 'prompts'>
  const deps = { searcher, knowledge, modelAvailable: false, ...none }
  return { result: await retrieve(facts, deps, context), requests, warnings }
}
const found = (evidence: number): SearchResult => ({ passages: [passage], evidence, failedLegs: [] })

test('hands on what was found, with the knowledge version it was found under', async () => {
  const { result, requests } = await run(found(0.9))
  expect(result).toEqual({
    outcome: 'found',
    facts: { passages: { passages: [passage], evidence: 0.9, degraded: false, knowledgeVersion: '1' } },
  })
  expect(requests).toEqual([
    { query: 'why amber', filter: { tenantId: 'acme', audiences: ['public'] }, synonyms: [], neighbours: 1 },
  ])
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

const IMAGINED = 'The light is amber while the hub looks for the network.'

async function imagine(
  llm: ReturnType<typeof createScriptedLlm>,
  change: { wanted?: boolean; model?: boolean; guard?: 'suspicious' } = {},
) {
  const requests: SearchRequest[] = []
  const searcher: Searcher = {
    async search(request) {
      requests.push(request)
      return found(0.9)
    },
  }
  const config = TenantConfig.parse({
    knowledge: { hypotheticalPassages: change.wanted ?? true, synonyms: [['VPN', 'tunnel']], neighbours: 2 },
  })
  const context = stepContext({ tenant: Tenant.parse({ id: 'acme', name: 'Acme', config, createdAt: new Date(0) }) })
  const facts = {
    ticket: sampleTicket(),
    screened: { ...sampleScreened(), ...(change.guard ? { guard: change.guard } : {}) },
    triage: { ...sampleTriage(), query: 'why amber' },
  }
  const knowledge = new MemoryKnowledge()
  await knowledge.bump('acme')
  const deps = { searcher, knowledge, llm, prompts: loadPrompts(), modelAvailable: change.model ?? true }
  const { outcome } = await retrieve(facts, deps, context)
  return {
    outcome,
    request: requests[0]!,
    asked: llm.requests,
    warnings: context.log.lines.filter(({ level }) => level === 'warn'),
  }
}

test('searches with a passage that a model imagined, where the tenant wants one; the call is billed to the run', async () => {
  const { request, asked, outcome } = await imagine(createScriptedLlm([JSON.stringify({ passage: IMAGINED })]))
  expect(outcome).toBe('found')
  expect(request).toMatchObject({ query: 'why amber', hypothetical: IMAGINED, synonyms: [['VPN', 'tunnel']], neighbours: 2 })
  expect(asked).toHaveLength(1)
  expect(asked[0]).toMatchObject({ task: 'rewrite', tier: 'cheap', prompt: { id: 'imagine-passage' }, call: { runId: 'run_1' } })
  expect(asked[0]!.messages[0]!.content).toContain('why amber')
})

test('searches with the question alone where no passage is wanted, no model is there, or the message may be giving orders', async () => {
  for (const change of [{ wanted: false }, { model: false }, { guard: 'suspicious' as const }]) {
    const { request, asked } = await imagine(createScriptedLlm([JSON.stringify({ passage: IMAGINED })]), change)
    expect(asked, JSON.stringify(change)).toEqual([])
    expect(request).not.toHaveProperty('hypothetical')
  }
})

test('a model that fails, or answers with something else, is done without; a batch is waited for', async () => {
  for (const turn of [new Error('overloaded'), '{"passage": ""}', '{"other": 1}']) {
    const { request, outcome, warnings } = await imagine(createScriptedLlm([turn]))
    expect(outcome).toBe('found')
    expect(request).not.toHaveProperty('hypothetical')
    expect(warnings).toHaveLength(1)
  }
  await expect(imagine(createScriptedLlm([new Parked(new Date(1), 'waits for a batch')]))).rejects.toBeInstanceOf(Parked)
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
