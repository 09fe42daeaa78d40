import type { Fault } from '#test/simulator/faults.ts'
import { caseOf } from '../knowledge.ts'
import type { Scenario } from '../scenario.ts'
import { until } from '../until.ts'

/** `hang` first: it takes longest, and all of them run at the same time. `429` last: after it the provider is left alone for a while. */
const FAULTS: readonly Fault[] = ['hang', 'stall', 'half', 'drop', 'broken_json', 'wrong_schema', '500', 'empty_200', '429']
const CANCEL_BOUND_MS = 1_000

export const modelFaults: Scenario = {
  name: 'model-faults',
  sentence: 'a model that hangs, stalls, streams half an answer, drops, returns broken or other JSON, 429, 500 or an empty 200',
  async run({ installation, sender, tickets, size }) {
    const each = size === 'full' ? 3 : 1
    const { simulator } = installation
    const struckBefore = { ...simulator.meter().byFault }
    const struckBy = FAULTS.flatMap((fault) => tickets(each, { answerableOnly: true }).map((ticket) => ({ fault, ticket })))
    simulator.setFaults(
      struckBy.map(({ fault, ticket }) => ({
        match: caseOf(ticket.ref),
        fault,
        ...(fault === '429' ? { retryAfterSeconds: 2 } : {}),
      })),
    )
    // Two good calls to every bad one: a model that mostly fails is left alone by its breaker, and then no fault would strike.
    const mixed = struckBy.flatMap(({ ticket }) => [...tickets(2, { answerableOnly: true }), ticket])
    await sender.stream(mixed, 10)
    const struck = () =>
      FAULTS.map((fault) => [fault, (simulator.meter().byFault[fault] ?? 0) - (struckBefore[fault] ?? 0)] as const)
    await until('every fault has struck', 15_000, () => struck().every(([, count]) => count >= each)).catch(() => {})
    return {
      counts: Object.fromEntries(struck()),
      violations: struck()
        .filter(([, count]) => count === 0)
        .map(([fault]) => `the fault ${fault} did not strike`),
    }
  },
}

export const cancelDraft: Scenario = {
  name: 'cancel-draft',
  sentence: 'tickets are cancelled while a model writes: the calls are given up',
  async run({ installation, sender, tickets, size }) {
    const count = size === 'full' ? 20 : 3
    const gates = installation.workers().map(({ gate }) => gate)
    for (const gate of gates) gate.hold()
    const givenUp = () => gates.flatMap((gate) => gate.givenUpAt())
    const before = givenUp().length
    await sender.postAll(tickets(count, { answerableOnly: true }))
    await until('every draft is being written', 30_000, () => gates.reduce((sum, gate) => sum + gate.open(), 0) >= count)
    const cancelledAt = performance.now()
    const statuses = await Promise.all(
      sender.acks().map(async ({ ticket, ticketId }) => {
        const response = await sender.request(ticket.tenantId, 'POST', `/v1/tickets/${ticketId}/cancel`)
        return response.status
      }),
    )
    const answeredMs = performance.now() - cancelledAt
    await until('every call is given up', 10_000, () => givenUp().length - before >= count).catch(() => {})
    const stopped = givenUp().slice(-count)
    for (const gate of gates) gate.release()
    const lastMs = Math.max(...givenUp()) - cancelledAt - answeredMs
    const stops = givenUp().length - before
    return {
      mostAreAnswered: false,
      counts: {
        cancelled: statuses.filter((status) => status === 200).length,
        callsGivenUp: stops,
        lastGivenUpAfterMs: Math.round(lastMs),
      },
      violations: [
        ...statuses.filter((status) => status !== 200).map((status) => `a cancellation was answered with ${status}`),
        ...(stopped.length < count || stops < count ? [`only ${stops} of ${count} calls were given up`] : []),
        ...(lastMs > CANCEL_BOUND_MS && size === 'full' ? [`the last call was given up after ${Math.round(lastMs)} ms`] : []),
      ],
    }
  },
}
