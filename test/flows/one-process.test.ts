import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Installation, startInOneProcess } from '#test/chaos/installation.ts'
import { type Report, runScenario, type Scenario } from '#test/chaos/scenario.ts'
import { redriveDeadLetters, sameKey } from '#test/chaos/scenarios/engine.ts'
import { cancelDraft, modelFaults } from '#test/chaos/scenarios/models.ts'
import { hasRedis } from '#test/servers/redis.ts'

/** Everything in one process on the embedded database, as `npm start` runs it, with a real Redis and a simulated provider. */

const SEED = 1

describe.skipIf(!hasRedis)(`one process${hasRedis ? '' : ' (needs redis-server)'}`, () => {
  let installation: Installation
  beforeAll(async () => {
    installation = await startInOneProcess()
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
})
