import * as z from 'zod'

export const Severity = z.enum(['P0', 'P1', 'P2', 'P3'])
export type Severity = z.infer<typeof Severity>

/** Written by `classify`. */
export const Triage = z.object({
  intent: z.string(),
  confidence: z.number().min(0).max(1),
  /** Who decided: the local classifier, a model because the local one was unsure, or nobody (`none`: unsure and no model to ask). */
  decidedBy: z.enum(['local', 'model', 'none']),
  severity: Severity,
  sentiment: z.enum(['positive', 'neutral', 'negative', 'angry']),
  legalThreat: z.boolean(),
  wantsPerson: z.boolean(),
  entities: z.array(z.object({ type: z.string(), value: z.string() })),
  /** 0 to 1, what a model made of the message as orders to a machine; absent where none has said. */
  injection: z.number().min(0).max(1).optional(),
  /** The question as the search sees it: standalone, without greeting and signature. */
  query: z.string(),
  /** 0 (a single plain question) to 1 (long, several questions, reasoning). */
  complexity: z.number().min(0).max(1),
  /** What made it so; absent on facts of older versions. */
  complexitySignals: z.array(z.string()).optional(),
  reasons: z.array(z.string()),
})
export type Triage = z.infer<typeof Triage>
