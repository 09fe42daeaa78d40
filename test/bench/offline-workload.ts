import * as z from 'zod'
import { beginRun } from '#pipelines/advance.ts'
import { supportTicket } from '#pipelines/support-ticket.ts'
import type { Ticket } from '#shared/domain/ticket.ts'
import type { Doors } from '#shared/wiring.ts'
import type { StepTable } from '#workers/step.ts'
import { stubSteps } from './stub-steps.ts'

/** What the batch drill sends through the offline lane: any pipeline whose runs ask one model call each. */
export type OfflineWorkload = {
  readonly steps: StepTable
  readonly tenantConfig: Record<string, unknown>
  /** The result in the log that every run must have exactly once. */
  readonly result: string
  /** Accepts runs number `first` to `first + n - 1`, no two alike. */
  begin(doors: Doors, first: number, n: number, bodyBytes: number): Promise<void>
}

const Verdict = z.object({ intent: z.enum(['invoice', 'login']), confidence: z.number() })

/** Tickets that a model classifies as spam: three steps, one call, and an end. */
export const ticketWorkload: OfflineWorkload = {
  result: 'spam',
  tenantConfig: { budgets: { customer: { standard: { dayUsd: 1_000, monthUsd: 1_000 } } } },
  steps: {
    ...stubSteps,
    'support-ticket': {
      ...stubSteps['support-ticket'],
      classify: async ({ screened }, { llm }, { call, signal, ...context }) => {
        const { value } = await llm.generate(
          {
            task: 'classify',
            tier: 'premium',
            prompt: { id: 'bench', version: 1, hash: 'bench' },
            system: 'Classify the ticket.',
            messages: [{ role: 'user', content: `${context.subjectId}: ${screened.text}` }],
            schema: { name: 'triage', type: Verdict },
            maxOutputTokens: 100,
            call,
          },
          { signal },
        )
        const alone = await stubSteps['support-ticket'].classify({ screened } as never, {} as never, context as never)
        return { outcome: 'spam', facts: { triage: { ...alone.facts.triage, intent: value.intent, decidedBy: 'model' } } }
      },
    },
  },
  async begin(doors, first, n, bodyBytes) {
    const now = doors.clock.now()
    const arrivals = Array.from({ length: n }, (_, i) => {
      const name = `offline${String(first + i).padStart(8, '0')}`
      const ticket: Ticket = {
        id: `tkt_${name}`,
        tenantId: 'default',
        conversationId: `cnv_${name}`,
        subject: `Ticket ${name}`,
        body: `${name} `.repeat(Math.ceil(bodyBytes / (name.length + 1))).slice(0, bodyBytes),
        channel: 'api',
        requester: { id: `customer-${i % 100}` },
        tier: 'standard',
        lane: 'offline',
        receivedAt: now.toISOString(),
      }
      const run = {
        id: `run_${name}`,
        tenantId: 'default',
        pipeline: supportTicket.name,
        version: supportTicket.version,
        subjectId: ticket.id,
        traceId: name.padEnd(32, '0'),
        state: beginRun(supportTicket, 'offline', now),
        given: { ticket },
        createdAt: now,
      }
      return { ticket, run }
    })
    await Promise.all(arrivals.map((arrival) => doors.tickets.accept(arrival)))
    await doors.dispatcher.dispatch(
      arrivals.map(({ run }) => ({
        runId: run.id,
        seq: 0,
        pipeline: run.pipeline,
        step: run.state.step,
        lane: 'offline',
        delayMs: 0,
        backlog: 0,
      })),
    )
  },
}
