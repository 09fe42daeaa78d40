import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { audit } from '#test/chaos/audit.ts'
import { drillAvailability } from '#test/chaos/availability.ts'
import { type Installation, startInOneProcess, withSecondary } from '#test/chaos/installation.ts'
import { ticketWith } from '#test/chaos/knowledge.ts'
import { type Report, runScenario, type Scenario } from '#test/chaos/scenario.ts'
import { redriveDeadLetters, sameKey } from '#test/chaos/scenarios/engine.ts'
import { cancelDraft, modelFaults } from '#test/chaos/scenarios/models.ts'
import { until } from '#test/chaos/until.ts'
import { hasRedis } from '#test/servers/redis.ts'

/** Everything in one process on the embedded database, as `npm start` runs it, with a real Redis and two simulated providers. */

const SEED = 1

describe.skipIf(!hasRedis)(`one process${hasRedis ? '' : ' (needs redis-server)'}`, () => {
  let installation: Installation
  beforeAll(async () => {
    installation = await startInOneProcess(withSecondary)
  })
  afterAll(() => installation?.stop())
  const run = async (scenario: Scenario): Promise<Report> => {
    const report = await runScenario(scenario, installation, SEED, 'quick')
    expect(report.violations).toEqual([])
    return report
  }

  test('makes one ticket of a hundred concurrent posts with one idempotency key', async () => {
    const report = await run(sameKey)
    expect(report.acknowledged).toBe(1)
    expect(report.counts).toMatchObject({ accepted: expect.any(Number) })
  })

  test('gives up the calls of tickets that are cancelled while a model writes', async () => {
    const report = await run(cancelDraft)
    expect(report).toMatchObject({ acknowledged: 3, cancelled: 3, answered: 0, counts: { callsGivenUp: 3 } })
  })

  test('answers a ticket whose step failed for good once the step is sent round again', async () => {
    const report = await run(redriveDeadLetters)
    expect(report).toMatchObject({ acknowledged: 2, answered: 2, counts: { deadLetters: 2, redriven: 2 } })
  })

  test('answers or hands over every ticket, proven, whatever the model does wrong', async () => {
    const report = await run(modelFaults)
    expect(report.answered + report.escalated + report.closed).toBe(report.acknowledged)
    expect(report.counts).toMatchObject({ hang: 1, half: 1, broken_json: 1, '429': 1, '500': 1, empty_200: 1 })
  })

  test('gives every accepted ticket an answer or a person while the primary provider is down and the secondary one fails 5 %', async () => {
    const report = await drillAvailability(installation, { seconds: 3, ticketsPerSecond: 15, seed: 5, say: () => {} })
    expect(report.notAccepted).toBe(0)
    expect(report.answered + report.toPeople).toBe(report.accepted)
    // Whether the 5 % strike within three seconds is left to chance; that the primary is down is not.
    expect(Object.values(report.struck).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0)
    expect(report.draftsBy['anthropic']).toBeGreaterThan(report.accepted / 2)
  })

  test('an audit that finds nothing would find a lost ticket, a second reply, a stranger and a log that lies', async () => {
    const sender = installation.newSender()
    const ticket = ticketWith('audited-1', { random: () => 0.5, answerableOnly: true })
    await sender.post(ticket)
    const { runId, ticketId } = sender.acks()[0]!
    const look = () => audit(installation, sender, 'audited-')
    await until('the ticket is answered', 30_000, async () => (await look()).answered === 1)
    expect((await look()).violations).toEqual([])

    const again = `INSERT INTO replies SELECT 'msg_again', tenant_id, conversation_id, ticket_id, 'run_again', author, body, citations, created_at
      FROM replies WHERE run_id = $1`
    await installation.query(again, [runId])
    expect(await look()).toMatchObject({ answeredTwice: 1, wrongTenant: 1 })
    await installation.query("DELETE FROM replies WHERE id = 'msg_again'")

    await installation.query("UPDATE replies SET body = 'It lasts 31 months.', tenant_id = 'north' WHERE ticket_id = $1", [
      ticketId,
    ])
    expect((await look()).wrongTenant).toBeGreaterThan(0)

    await installation.query("UPDATE runs SET status = 'running', attempt = 2 WHERE id = $1", [runId])
    expect(await look()).toMatchObject({ lost: 1, brokenLogs: 1 })
  })
})
