import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Installation, startProcesses } from '#test/chaos/installation.ts'
import { runScenario } from '#test/chaos/scenario.ts'
import { sameJob } from '#test/chaos/scenarios/engine.ts'
import { killWorker } from '#test/chaos/scenarios/processes.ts'
import { emptyRedis, flushRedis, terminateBackends } from '#test/chaos/scenarios/stores.ts'
import { postgresBin } from '#test/servers/postgres.ts'
import { hasRedis } from '#test/servers/redis.ts'

/** The quick ones of `npm run chaos`, with less load: an API and two workers, each a process, on real servers. */

const SEED = 1
const missing = [...(hasRedis ? [] : ['redis-server']), ...(postgresBin === undefined ? ['a PostgreSQL server'] : [])]
const needs = missing.length === 0 ? '' : ` (needs ${missing.join(' and ')})`

describe.skipIf(missing.length > 0)(`nothing is lost, answered twice or given to another tenant${needs}`, () => {
  let installation: Installation
  beforeAll(async () => {
    installation = await startProcesses()
  })
  afterAll(() => installation?.stop())

  test.each([
    ['when two workers are handed the same jobs', sameJob],
    ['when every database session is terminated under load', terminateBackends],
    ['when Redis is flushed under load', flushRedis],
    ['when Redis is killed under load and comes back empty', emptyRedis],
    ['when a worker is killed with drafts in flight', killWorker],
  ])('%s', async (_sentence, scenario) => {
    const report = await runScenario(scenario, installation, SEED, 'quick')
    expect(report.violations).toEqual([])
    expect(report.acknowledged).toBeGreaterThan(0)
  })
})
