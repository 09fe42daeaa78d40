import type { Answer } from '#shared/domain/answer.ts'
import type { Draft } from '#shared/domain/draft.ts'
import type { Passage, Passages } from '#shared/domain/passage.ts'
import type { Screened } from '#shared/domain/screened.ts'
import { Tenant, TenantConfig } from '#shared/domain/tenant.ts'
import type { Ticket } from '#shared/domain/ticket.ts'
import type { Triage } from '#shared/domain/triage.ts'
import type { Verdict } from '#shared/domain/verdict.ts'

/** Facts of an ordinary ticket; a test changes what it is about. */

export const sampleTenant = (config: Parameters<typeof TenantConfig.parse>[0] = {}, id = 'acme'): Tenant =>
  Tenant.parse({ id, name: 'Acme', config: TenantConfig.parse(config), createdAt: new Date('2026-01-01T00:00:00Z') })

export const sampleTicket = (change: Partial<Ticket> = {}): Ticket => ({
  id: 'tkt_1',
  tenantId: 'acme',
  conversationId: 'cnv_1',
  subject: 'Return',
  body: 'How long can I return a hub? Write to ada@example.org.',
  channel: 'email',
  requester: { id: 'c-1', email: 'ada@example.org', tier: 'standard' },
  tier: 'standard',
  lane: 'standard',
  receivedAt: '2026-11-21T12:00:00.000Z',
  ...change,
})

export const sampleScreened = (change: Partial<Screened> = {}): Screened => ({
  subject: 'Return',
  text: 'How long can I return a hub?',
  language: 'en',
  languageConfidence: 0.95,
  placeholders: [],
  injection: { score: 0, rules: [] },
  reasons: [],
  truncated: false,
  ...change,
})

export const sampleTriage = (change: Partial<Triage> = {}): Triage => ({
  intent: 'returns',
  confidence: 0.9,
  decidedBy: 'local',
  severity: 'P3',
  sentiment: 'neutral',
  legalThreat: false,
  wantsPerson: false,
  entities: [],
  query: 'How long can I return a hub?',
  complexity: 0.3,
  reasons: [],
  ...change,
})

const SOURCE = 'You can return a product within 14 days of delivery.'

export const samplePassage = (change: Partial<Passage> = {}): Passage => ({
  n: 1,
  chunkId: 'chunk-1',
  documentId: 'kb-1',
  title: 'Returns',
  section: ['Returns'],
  text: SOURCE,
  start: 0,
  end: SOURCE.length,
  scores: { fused: 1 },
  ...change,
})

export const samplePassages = (change: Partial<Passages> = {}): Passages => ({
  passages: [samplePassage()],
  evidence: 0.9,
  degraded: false,
  knowledgeVersion: '1',
  ...change,
})

export const sampleDraft = (change: Partial<Draft> = {}): Draft => ({
  answerable: true,
  sentences: [{ text: SOURCE, citations: [1] }],
  followUps: [],
  model: 'scripted',
  by: 'model',
  prompt: { id: 'draft-answer', version: 1, hash: 'c0ffee' },
  ...change,
})

export const sampleVerdict = (decision: Verdict['decision'], change: Partial<Verdict> = {}): Verdict => ({
  decision,
  claims: [{ text: SOURCE, supported: decision === 'deliver', score: 1, citations: [1], reason: '', kind: 'claim' }],
  cut: [],
  outputChecks: [],
  confidence: decision === 'deliver' ? 0.9 : 0,
  reasons: [],
  ...change,
})

export const sampleAnswer = (change: Partial<Answer> = {}): Answer => ({
  text: `${SOURCE} [1]`,
  citations: [{ n: 1, documentId: 'kb-1', chunkId: 'chunk-1', title: 'Returns', quote: SOURCE }],
  confidence: 0.9,
  followUps: [],
  by: 'model',
  ...change,
})
