import * as z from 'zod'
import { CacheMatch, NearestQuestion } from './cache.ts'

export const Citation = z.object({
  n: z.int().positive(),
  documentId: z.string(),
  chunkId: z.string(),
  title: z.string(),
  url: z.string().optional(),
  /** Verbatim from the document. */
  quote: z.string(),
})
export type Citation = z.infer<typeof Citation>

/**
 * What may be delivered. Only `verify` (proven), `recall` (proven before) and a person write this fact, and `deliver` reads
 * nothing else: that is how "no answer leaves unproven" holds by construction.
 */
export const Answer = z.object({
  /** Sentences with `[n]` behind each that has a source. Personal data is still masked; `deliver` restores it for its owner. */
  text: z.string(),
  citations: z.array(Citation),
  confidence: z.number().min(0).max(1),
  followUps: z.array(z.string()),
  by: z.enum(['model', 'extractive', 'cache', 'person']),
})
export type Answer = z.infer<typeof Answer>

/** Written by `recall`: the key under which a proven answer is looked up and stored. */
export const Recalled = z.object({
  key: z.string(),
  partition: z.string(),
  hit: z.boolean(),
  /** The ticket whose answer was given again. */
  matched: z.string().optional(),
  cacheable: z.boolean(),
  /** How it was found; only of a hit. */
  by: CacheMatch.optional(),
  /** Key of the cached question, and how alike the two are; absent where they are the same. */
  matchedKey: z.string().optional(),
  similarity: z.number().min(0).max(1).optional(),
  /** Of a miss: the cached question that came nearest. */
  nearest: NearestQuestion.optional(),
})
export type Recalled = z.infer<typeof Recalled>

/** Written by `escalate`. */
export const Handover = z.object({
  escalationId: z.string(),
  reason: z.string(),
  summary: z.string(),
  severity: z.string(),
  /** What the customer is told, in the customer's language; absent in runs from before there was one. */
  message: z.string().optional(),
  /** Followers have read parts of a draft that will not be delivered. */
  takesBack: z.boolean().optional(),
})
export type Handover = z.infer<typeof Handover>

/** A person's decision on an escalation. */
export const Ruling = z.object({ by: z.string(), decision: z.enum(['answer', 'dismiss']), text: z.string(), reason: z.string() })
export type Ruling = z.infer<typeof Ruling>

/** Written by `deliver`: the one reply that went out, as its reader sees it. */
export const Receipt = z.object({
  messageId: z.string(),
  deliveredAt: z.iso.datetime(),
  /** Personal data is in its place again. */
  text: z.string(),
  citations: z.array(Citation),
  confidence: z.number().min(0).max(1),
  followUps: z.array(z.string()),
  webhookRunId: z.string().optional(),
  /** What followers have read of `text` while it was being written; or that it was another text. */
  shown: z.object({ characters: z.int().nonnegative(), restart: z.boolean() }).optional(),
})
export type Receipt = z.infer<typeof Receipt>
