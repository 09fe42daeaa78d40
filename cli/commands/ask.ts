import { readConfig } from '#shared/config.ts'
import { localClient } from '../client.ts'
import { settled } from '../settled.ts'
import { Accepted, problemText, type TicketView } from '../views.ts'

const PATIENCE_MS = 60_000

/** Asks the running server and prints the answer with its sources. @returns the exit code */
export async function ask(question: string, tenant?: string, patienceMs = PATIENCE_MS): Promise<number> {
  const client = await localClient(readConfig(), tenant)
  const accepted = await client.request('POST', '/v1/tickets', { body: question, channel: 'api', lane: 'interactive' })
  if (accepted.status !== 202) {
    console.error(`answerline: refused: ${problemText(accepted.status, accepted.body)}`)
    return 1
  }
  const { ticketId, runId } = Accepted.parse(accepted.body)
  const timeline = `timeline: ${client.url}/console/runs/${runId}${tenant === undefined ? '' : ` (log in as you@${tenant})`}`
  const ticket = await settled(client, ticketId, patienceMs)
  if (ticket.status !== 'answered' || !ticket.answer) {
    console.log(endingOf(ticket))
    console.log(timeline)
    return ticket.status === 'escalated' || ticket.status === 'closed' ? 0 : 1
  }
  console.log(`\n${ticket.answer.text}\n`)
  for (const citation of ticket.answer.citations) {
    console.log(`[${citation.n}] ${citation.title}${citation.url ? ` · ${citation.url}` : ''}`)
    console.log(`    "${citation.quote.replace(/\s+/g, ' ')}"`)
  }
  console.log(`\n${timeline}`)
  return 0
}

function endingOf({ status, escalation }: TicketView): string {
  if (escalation) return `${status}: ${escalation.reason}`
  // Nor does a queue whose workers all do other steps get anywhere.
  return status === 'accepted'
    ? 'accepted, but no worker has taken it from its queue yet: see whether an `answerline work` runs'
    : status
}
