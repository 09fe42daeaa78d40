import * as z from 'zod'

/** What the commands read of the API's replies; the rest is for others. */
export const Accepted = z.object({ ticketId: z.string(), runId: z.string() })
export const TicketView = z.object({
  status: z.string(),
  answer: z
    .object({
      text: z.string(),
      citations: z.array(z.object({ n: z.int(), title: z.string(), url: z.string().nullish(), quote: z.string() })),
    })
    .nullish(),
  verdict: z.object({ claims: z.array(z.object({ supported: z.boolean() })) }).nullish(),
  escalation: z.object({ reason: z.string() }).nullish(),
  usage: z.object({ costUsd: z.number() }).nullish(),
})
export type TicketView = z.infer<typeof TicketView>
export const DocumentView = z.object({ documentId: z.string(), state: z.string(), error: z.unknown() })
export const RunView = z.object({
  attempts: z.array(z.looseObject({ step: z.string(), facts: z.record(z.string(), z.unknown()) })),
})
const ProblemView = z.object({ title: z.string(), detail: z.string().optional() })

/** What went wrong, for a person. */
export function problemText(status: number, body: unknown): string {
  const problem = ProblemView.safeParse(body)
  return problem.success
    ? `${status} ${problem.data.title}${problem.data.detail ? `: ${problem.data.detail}` : ''}`
    : `${status} ${JSON.stringify(body)}`
}
