import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate } from '#cli/commands/evaluate.ts'
import { evalFaithfulness } from '#cli/eval/faithfulness.ts'
import { type Reader, readByModel } from '#cli/eval/faithfulness-model.ts'
import { openModelGateway } from '#cli/model-gateway.ts'
import { readConfig } from '#shared/config.ts'
import { needsPerson } from '#shared/domain/failure.ts'
import { createLog } from '#shared/wiring.ts'
import { createScriptedLlm, type ScriptedTurn } from '#test/fakes/llm.scripted.ts'
import { hasRedis, startRedis } from '#test/servers/redis.ts'
import { startSimulator } from '#test/simulator/simulator.ts'
import { loadPrompts } from '#workers/prompts.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'answerline-reader-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SOURCE = 'Invoices are sent on the 3rd of each month. The Hub plan costs $12 a month. Refunds take two business days.'
const rows = [
  { claim: 'Invoices are sent on the 3rd of each month.', label: 'supported' },
  { claim: 'The Hub plan costs $12 a month. Refunds take two business days.', label: 'supported' },
  { claim: 'Refunds take two business days after the warehouse in Leeds has scanned the parcel.', label: 'not_supported' },
  { claim: 'Ask Mr Meyer in Hamburg.', label: 'not_supported' },
].map((row) => ({ ...row, evidence: [SOURCE] }))
const file = (lines: readonly object[] = rows) => {
  const path = join(folder, `${lines.length}.jsonl`)
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join('\n'))
  return path
}
const scripted = (...turns: readonly ScriptedTurn[]) => {
  const llm = createScriptedLlm(turns)
  const reader: Reader = { llm, prompt: loadPrompts()['check-entailment'], call: { tenantId: 'acme' } }
  return { llm, reader }
}
const saying = (...verdicts: readonly string[]) =>
  JSON.stringify({ verdicts: verdicts.map((verdict, at) => ({ claim: at + 1, verdict, why: '' })) })

test('asks about all sentences of a text in one call, and reports the verdicts beside the score', async () => {
  const { llm, reader } = scripted(async ({ messages: [asked] }) => {
    const claims = asked!.content.match(/^\{"claim":/gm)!.length
    return saying(...Array(claims).fill(/Leeds|Meyer/.test(asked!.content) ? 'not-stated' : 'entailed'))
  })
  const report = await evalFaithfulness({ data: file(), docs: [], reader }, () => {})
  expect(llm.requests).toHaveLength(4)
  expect(llm.requests[1]!.messages[0]!.content).toMatch(/\{"claim":1,.*costs \$12.*\n\{"claim":2,/)
  expect(report.metrics.model).toMatchObject({ n: 4, failures: {}, auc: 1, balancedAccuracy: 1, models: ['scripted/scripted'] })
  expect(report.metrics.model!.costUsd).toBeCloseTo(0.04)
  expect(report.config).toMatchObject({ model: 'scripted/scripted', prompt: { id: 'check-entailment' } })
})

test('takes the rows of a limit from all over the file', async () => {
  const { llm, reader } = scripted(saying('entailed'))
  const report = await evalFaithfulness({ data: file(), docs: [], reader, limit: 2 }, () => {})
  expect([report.n, llm.requests.length]).toEqual([2, 2])
  expect(llm.requests.map(({ messages }) => /Leeds/.test(messages[0]!.content))).toContain(true)
})

test('counts what a model left unanswered, by its code, and leaves it out of the figures', async () => {
  const { reader } = scripted(needsPerson('provider-refused', 'no'), saying(), saying('entailed'))
  const report = await evalFaithfulness({ data: file(), docs: [], reader }, () => {})
  expect(report.metrics.model).toMatchObject({ n: 2, failures: { 'provider-refused': 1, 'no-verdict': 1 } })
})

test('stops where one call after the other fails, and says with what', async () => {
  const { llm, reader } = scripted(needsPerson('budget-exhausted', 'tenant: 0 of 1 USD left'))
  const many = Array.from({ length: 40 }, (_, at) => ({ ...rows[0]!, claim: `Invoice ${at} is sent.` }))
  await expect(evalFaithfulness({ data: file(many), docs: [], reader }, () => {})).rejects.toThrow(
    /budget-exhausted: tenant: 0 of 1/,
  )
  expect(llm.requests.length).toBeLessThan(20)
})

test('without a provider nothing is opened, and the settings are named', async () => {
  await expect(openModelGateway(readConfig({ DATA_DIR: join(folder, 'none') }), '--with-model')).rejects.toThrow(
    '--with-model needs a model: set OPENAI_API_KEY, ANTHROPIC_API_KEY, or LOCAL_LLM_URL and LOCAL_LLM_MODEL',
  )
})

test.each(['0', '-1', '1.5', 'ten', ''])('a limit of "%s" is refused', async (limit) => {
  await expect(evaluate('faithfulness', { data: file(), limit })).rejects.toThrow('--limit must be a whole number')
})

describe.skipIf(!hasRedis)(`the installation’s own gateway${hasRedis ? '' : ' (needs redis-server)'}`, () => {
  test('asks the configured provider (here the simulator), pays from the budget, and pays for nothing twice', async () => {
    const [redis, simulator] = await Promise.all([startRedis(), startSimulator()])
    const config = readConfig({
      DATA_DIR: join(folder, 'data'),
      REDIS_URL: redis.socket,
      OPENAI_API_KEY: 'simulated',
      OPENAI_BASE_URL: `${simulator.url}/v1`,
    })
    const gateway = await openModelGateway(config, '--with-model', createLog('silent'))
    try {
      const reader = { ...gateway, prompt: gateway.prompts['check-entailment'] }
      const measure = () => evalFaithfulness({ data: file(), docs: [], reader }, () => {})
      const first = await measure()
      const { calls, costUsd } = simulator.meter()
      expect(calls).toBe(4)
      expect(first.metrics.model).toMatchObject({ n: 4, auc: 1, fromJournal: 0, models: ['openai/gpt-6-luna'] })
      expect(first.metrics.model!.costUsd).toBeCloseTo(costUsd, 7)
      expect(gateway.endpoints).toEqual({ openai: `${simulator.url}/v1` })
      const again = await measure()
      expect(again.metrics.model).toMatchObject({ n: 4, auc: 1, fromJournal: 4, costUsd: 0 })
      expect(simulator.meter().calls).toBe(4)
    } finally {
      await gateway.close()
      await Promise.all([simulator.close(), redis.stop()])
    }
  })
})

test('an aborted evaluation asks nobody any more', async () => {
  const { llm, reader } = scripted(saying('entailed'))
  const stopped = AbortSignal.abort()
  llm.generate = async (_request, { signal }) => {
    signal.throwIfAborted()
    throw new Error('was asked')
  }
  const judged = [{ group: '1', text: 'x', asked: '', passages: [], faithful: true }]
  await expect(readByModel(judged, reader, () => {}, stopped)).rejects.toThrow(/abort/i)
})
