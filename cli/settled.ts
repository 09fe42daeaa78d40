import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'
import { problemText, TicketView } from './views.ts'

const RESTING = new Set(['escalated', 'answered', 'closed', 'cancelled', 'dead'])
const LOOK_EVERY_MS = 50

/** The ticket once it has come to rest, or as it is after `timeoutMs`. */
export async function settled(client: Client, ticketId: string, timeoutMs: number): Promise<TicketView> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const { status, body } = await client.request('GET', `/v1/tickets/${ticketId}`)
    const late = performance.now() > deadline
    if (status === 200) {
      const view = TicketView.parse(body)
      if (RESTING.has(view.status) || late) return view
    } else if (late) throw new Error(`ticket ${ticketId}: ${problemText(status, body)}`)
    await sleep(LOOK_EVERY_MS)
  }
}
