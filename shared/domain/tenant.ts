import * as z from 'zod'
import { TenantAnswerExamples } from './tenant-answer-examples.ts'
import { TenantBudgets } from './tenant-budgets.ts'
import { TenantCache } from './tenant-cache.ts'
import { TenantConversations, TenantStreaming } from './tenant-conversation.ts'
import { TenantGuard } from './tenant-guard.ts'
import { TenantKnowledge } from './tenant-knowledge.ts'
import { TenantModels } from './tenant-models.ts'
import { TenantPrivacy } from './tenant-privacy.ts'
import { TenantProof } from './tenant-proof.ts'
import { CustomerTier } from './ticket.ts'

export const TENANT_ID = /^[a-z0-9][a-z0-9-]{0,62}$/
export const DEFAULT_TENANT_ID = 'default'

/** What a tenant may set; everything has a default, so `{}` is a working configuration. */
export const TenantConfig = z.strictObject({
  limits: z
    .strictObject({
      ticketsPerMinute: z.int().positive().default(6_000),
      ticketsPerMinutePerUser: z.int().positive().default(600),
      /** Runs not at rest yet; beyond this new tickets get 429 until the backlog shrinks. */
      maxBacklog: z.int().positive().default(100_000),
      searchesPerMinute: z.int().positive().default(6_000),
    })
    .prefault({}),
  policies: z
    .strictObject({
      /** Severities that always go to a person. */
      alwaysEscalate: z.array(z.enum(['P0', 'P1', 'P2', 'P3'])).default(['P0', 'P1']),
      /** Customer tiers for which P2 goes to a person, too. */
      escalateP2For: z.array(CustomerTier).default(['enterprise']),
      escalateIntents: z.array(z.string()).default(['human_agent', 'legal_threat', 'security_incident', 'outage']),
      closeIntents: z.array(z.string()).default(['spam']),
      blockInjectionAt: z.number().min(0).max(1).default(0.7),
      /** Below this share of the question covered by evidence, `retrieve` hands over to a person. */
      minEvidence: z.number().min(0).max(1).optional(),
      /** From a minute to ten years: a moment that no database holds would leave the ticket with nobody. */
      escalationExpiresAfterHours: z
        .number()
        .min(1 / 60)
        .max(87_600)
        .default(72),
      cache: z.boolean().default(true),
    })
    .prefault({}),
  cache: TenantCache,
  answerExamples: TenantAnswerExamples,
  conversations: TenantConversations,
  streaming: TenantStreaming,
  guard: TenantGuard,
  proof: TenantProof,
  knowledge: TenantKnowledge,
  budgets: TenantBudgets,
  models: TenantModels,
  privacy: TenantPrivacy,
  /** Regular expressions are not accepted here: examples teach the classifier, policies decide. */
  examples: z
    .array(z.strictObject({ text: z.string().min(1).max(2_000), intent: z.string().regex(/^[a-z0-9_]{1,60}$/) }))
    .max(20_000)
    .default([]),
  webhook: z
    .strictObject({
      /** Signs callbacks, in the form of Standard Webhooks. */
      secret: z
        .string()
        .regex(/^whsec_[A-Za-z0-9+/]{24,128}={0,2}$/, 'must be whsec_ followed by at least 24 characters of base64')
        .optional(),
      url: z.url({ protocol: /^https?$/ }).optional(),
    })
    .prefault({}),
})
export type TenantConfig = z.infer<typeof TenantConfig>

export const Tenant = z.object({ id: z.string().regex(TENANT_ID), name: z.string(), config: TenantConfig, createdAt: z.date() })
export type Tenant = z.infer<typeof Tenant>

export const Role = z.enum(['ingest', 'read', 'agent', 'operator', 'admin'])
export type Role = z.infer<typeof Role>
