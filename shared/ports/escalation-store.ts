export type Escalation = {
  readonly id: string
  readonly tenantId: string
  readonly runId: string
  readonly ticketId: string
  readonly visit: number
  readonly severity: string
  readonly reason: string
  readonly summary: string
  readonly evidence: readonly { readonly title: string; readonly url?: string; readonly text: string }[]
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly claimedBy: string | null
  readonly claimedAt: Date | null
  readonly resolution: 'answered' | 'dismissed' | 'expired' | 'cancelled' | 'withdrawn' | null
  readonly resolvedBy: string | null
  readonly resolvedAt: Date | null
}

export interface EscalationStore {
  /** Safe to repeat: one per (run, visit of the step). @returns the one that stands */
  open(escalation: Omit<Escalation, 'claimedBy' | 'claimedAt' | 'resolution' | 'resolvedBy' | 'resolvedAt'>): Promise<Escalation>
  /** The most urgent first. @param filter.after the id of one: those behind it; one that is not there has none behind it */
  list(
    tenantId: string,
    filter: { readonly open: boolean; readonly claimedBy?: string; readonly after?: string; readonly limit: number },
  ): Promise<Escalation[]>
  find(tenantId: string, id: string): Promise<Escalation | undefined>
  /** The latest of a run, open or not. */
  ofRun(tenantId: string, runId: string): Promise<Escalation | undefined>
  /** @returns false when somebody else holds it or it is resolved */
  claim(tenantId: string, id: string, by: string, at: Date): Promise<boolean>
  /** Closes what is open of a run; the run itself has been moved on before. */
  resolve(
    tenantId: string,
    runId: string,
    resolution: NonNullable<Escalation['resolution']>,
    by: string | null,
    at: Date,
  ): Promise<void>
}
