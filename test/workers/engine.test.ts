import { describe, expect, test } from 'vitest'
import { eventsOf } from '#pipelines/ticket-events.ts'
import { needsPerson, Parked, retryable, terminal } from '#shared/domain/failure.ts'
import type { RunEvent, RunStatus } from '#shared/domain/run.ts'
import { memoryEngine, type TicketSteps } from '#test/fakes/engine.memory.ts'
import {
  sampleAnswer,
  sampleDraft,
  samplePassages,
  sampleScreened,
  sampleTriage,
  sampleVerdict,
} from '#test/fakes/sample-facts.ts'
import { escalate } from '#workers/steps/escalate.ts'

/** The whole engine with steps that follow a script: a row says which outcomes come, and where the ticket must end. */

const RECALLED = { key: 'k', partition: 'p', cacheable: true }
const RESULTS = {
  clean: { outcome: 'clean', facts: { screened: sampleScreened() } },
  blocked: { outcome: 'blocked', facts: { screened: sampleScreened({ reasons: ['prompt-injection'] }) } },
  hit: {
    outcome: 'hit',
    facts: { recalled: { ...RECALLED, hit: true }, answer: sampleAnswer({ by: 'cache' }), verdict: sampleVerdict('deliver') },
  },
  miss: { outcome: 'miss', facts: { recalled: { ...RECALLED, hit: false } } },
  answerable: { outcome: 'answerable', facts: { triage: sampleTriage() } },
  sensitive: { outcome: 'sensitive', facts: { triage: sampleTriage({ severity: 'P0', reasons: ['severity P0'] }) } },
  spam: { outcome: 'spam', facts: { triage: sampleTriage({ intent: 'spam' }) } },
  found: { outcome: 'found', facts: { passages: samplePassages() } },
  nothing: { outcome: 'nothing', facts: { passages: samplePassages({ passages: [], evidence: 0 }) } },
  drafted: { outcome: 'drafted', facts: { draft: sampleDraft() } },
  declined: { outcome: 'declined', facts: { draft: sampleDraft({ answerable: false, sentences: [] }) } },
  faithful: { outcome: 'faithful', facts: { verdict: sampleVerdict('deliver'), answer: sampleAnswer() } },
  repairable: { outcome: 'repairable', facts: { verdict: sampleVerdict('repair') } },
  unfaithful: { outcome: 'unfaithful', facts: { verdict: sampleVerdict('escalate', { reasons: ['nothing is supported'] }) } },
} as const
type Word = keyof typeof RESULTS | Error

/** Each step's script, one word a call; the last word repeats. */
type Script = Partial<Record<'screen' | 'recall' | 'classify' | 'retrieve' | 'generate' | 'verify' | 'deliver', Word | Word[]>>
const PLAIN = {
  screen: 'clean',
  recall: 'miss',
  classify: 'answerable',
  retrieve: 'found',
  generate: 'drafted',
  verify: 'faithful',
}

function scripted(script: Script) {
  const calls: string[] = []
  const follow = (step: string, words: readonly (Word | 'delivered')[]) => {
    let at = 0
    return async (_facts: unknown, _deps: unknown, { now, runId }: { now: Date; runId: string }) => {
      const word = words[Math.min(at++, words.length - 1)]!
      calls.push(step)
      if (word instanceof Error) throw word
      if (word !== 'delivered') return RESULTS[word]
      const { text, citations, confidence, followUps } = sampleAnswer()
      const receipt = { messageId: `msg_${runId}`, deliveredAt: now.toISOString(), text, citations, confidence, followUps }
      return { outcome: 'delivered', facts: { receipt } }
    }
  }
  const table = Object.fromEntries(
    Object.entries({ ...PLAIN, deliver: 'delivered', ...script }).map(([step, words]) => [
      step,
      follow(step, [words].flat() as Word[]),
    ]),
  )
  return { calls, world: memoryEngine({ ...table, escalate } as unknown as TicketSteps) }
}
/** Follows the ticket's stream to its end. */
async function told(world: ReturnType<typeof memoryEngine>, ticketId: string) {
  const events = []
  for await (const event of world.stream.follow('acme', ticketId, undefined, AbortSignal.timeout(10_000))) events.push(event)
  return events
}

const busy = retryable('provider-overloaded', 'x')
const broken = terminal('provider-refused', 'x')

describe.each<[name: string, script: Script, status: RunStatus, path: string, reason?: string | RegExp]>([
  ['an answerable question', {}, 'answered', 'screen recall classify retrieve generate verify deliver'],
  ['a question that was answered before', { recall: 'hit' }, 'answered', 'screen recall deliver'],
  ['an injection', { screen: 'blocked' }, 'waiting', 'screen', 'prompt-injection'],
  ['an emergency', { classify: 'sensitive' }, 'waiting', 'screen recall classify', 'severity P0'],
  ['spam', { classify: 'spam' }, 'closed', 'screen recall classify'],
  [
    'a question without a source',
    { retrieve: 'nothing' },
    'waiting',
    'screen recall classify retrieve',
    'no reliable source was found',
  ],
  [
    'a question that the sources leave open',
    { generate: 'declined' },
    'waiting',
    'screen recall classify retrieve generate',
    'the sources do not answer this',
  ],
  [
    'a draft that cannot be proven',
    { verify: 'unfaithful' },
    'waiting',
    'screen recall classify retrieve generate verify',
    /nothing is supported/,
  ],
  [
    'a draft that is repaired',
    { verify: ['repairable', 'faithful'] },
    'answered',
    'screen recall classify retrieve generate verify generate verify deliver',
  ],
  [
    'a draft that cannot be repaired either',
    { verify: 'repairable' },
    'waiting',
    'screen recall classify retrieve generate verify generate verify',
    'the repaired draft could not be proven either',
  ],
  [
    'a model that comes back',
    { generate: [busy, busy, 'drafted'] },
    'answered',
    'screen recall classify retrieve generate generate generate verify deliver',
  ],
  [
    'a model that stays away',
    { generate: busy },
    'waiting',
    'screen recall classify retrieve generate generate generate generate generate generate',
    'the step "generate" failed: provider-overloaded',
  ],
  [
    'a model that refuses',
    { classify: broken },
    'waiting',
    'screen recall classify',
    'the step "classify" failed: provider-refused',
  ],
  [
    'a case for a person',
    { verify: needsPerson('odd', 'x') },
    'waiting',
    'screen recall classify retrieve generate verify',
    'the step "verify" failed: odd',
  ],
  [
    'a mistake of ours',
    { retrieve: new TypeError('x is not a function') },
    'waiting',
    'screen recall classify retrieve',
    'the step "retrieve" failed: defect',
  ],
  [
    'a batch',
    { generate: new Parked(new Date('2026-11-22T12:00:00Z'), 'batch') },
    'parked',
    'screen recall classify retrieve generate',
  ],
])('%s', (_name, script, status, path, reason) => {
  test(`ends ${status} by way of ${path}`, async () => {
    const { calls, world } = scripted(script)
    const run = await world.process()
    expect([run.status, calls.join(' ')]).toEqual([status, path])
    const open = world.escalations.rows.filter(({ resolution }) => resolution === null)
    expect(open.length).toBe(status === 'waiting' ? 1 : 0)
    if (reason !== undefined) expect(open[0]!.reason).toMatch(reason)
  })
  test('leaves a log without a gap, from which the run and all that followers were told can be told again', async () => {
    const { world } = scripted(script)
    const run = await world.process()
    const log = await world.runs.attempts('acme', run.id)
    expect(log.map(({ seq }) => seq)).toEqual([...log.keys()])
    expect(log.at(-1)!.next).toEqual({ status: run.status, step: run.step, attempt: run.attempt })
    if (run.endedAt === null) return
    // The first row is told by the API, which accepted the ticket.
    expect(await told(world, run.subjectId)).toEqual(log.slice(1).flatMap(eventsOf))
  })
})

const RULING = { by: 'agent-7', decision: 'answer' as const, text: 'We will call you.', reason: '' }
const answered: RunEvent = {
  kind: 'completed',
  outcome: 'answered',
  facts: { ruling: RULING, answer: sampleAnswer({ by: 'person', text: 'We will call you.' }) },
}

describe('a ticket that waits for a person', () => {
  test('is delivered when the person answers', async () => {
    const { world } = scripted({ classify: 'sensitive' })
    await world.process()
    expect(await world.mover.move('run_1', answered, 'agent-7')).toMatchObject({ moved: true })
    await world.queues.drain()
    expect(await world.runs.load('run_1')).toMatchObject({ status: 'answered' })
    expect(world.runs.logOf('run_1').find(({ result }) => result === 'answered')?.worker).toBe('agent-7')
  })
  test('is closed when the person dismisses it, and answered by nobody after that', async () => {
    const { world, calls } = scripted({ classify: 'sensitive' })
    await world.process()
    await world.mover.move('run_1', { kind: 'completed', outcome: 'dismissed', facts: { ruling: RULING } }, 'agent-7')
    expect(await world.mover.move('run_1', answered, 'agent-8')).toMatchObject({ moved: false, reason: 'refused' })
    await world.queues.drain()
    expect([(await world.runs.load('run_1'))?.status, calls.includes('deliver')]).toEqual(['closed', false])
  })
  test('is answered once when two people answer in the same moment', async () => {
    const { world, calls } = scripted({ classify: 'sensitive' })
    await world.process()
    const both = await Promise.all([world.mover.move('run_1', answered, 'a'), world.mover.move('run_1', answered, 'b')])
    await world.queues.drain()
    expect(both.filter(({ moved }) => moved).length).toBe(1)
    expect(calls.filter((step) => step === 'deliver')).toEqual(['deliver'])
  })
})

describe('a step that fails for good', () => {
  test('again and again ends dead, after every rescue was used, and each failure leaves a letter', async () => {
    const { world } = scripted({ classify: 'sensitive', deliver: broken })
    await world.process()
    for (const by of ['first', 'second']) {
      expect((await world.mover.move('run_1', answered, by)).moved).toBe(true)
      await world.queues.drain()
    }
    expect(await world.runs.load('run_1')).toMatchObject({ status: 'waiting', rescues: 2 })
    await world.mover.move('run_1', answered, 'third')
    await world.queues.drain()
    expect(await world.runs.load('run_1')).toMatchObject({ status: 'dead', step: 'deliver' })
    expect(world.queues.letters.map(({ step, code }) => `${step} ${code}`)).toEqual(Array(3).fill('deliver provider-refused'))
  })
  test('goes on from there when it is redriven, and its person is not needed any more', async () => {
    const { world, calls } = scripted({ generate: [broken, 'drafted'] })
    await world.process()
    const [letter] = await world.runs.deadLetters('acme', { open: true, limit: 10 })
    expect(letter).toMatchObject({ runId: 'run_1', step: 'generate', code: 'provider-refused' })
    expect(world.queues.letters).toEqual([
      { id: letter!.id, runId: 'run_1', step: 'generate', code: 'provider-refused', tenantId: 'acme' },
    ])
    await world.mover.move('run_1', { kind: 'redriven', step: letter!.step }, 'operator')
    await world.queues.drain()
    expect(await world.runs.load('run_1')).toMatchObject({ status: 'answered', rescues: 0, facts: { trouble: null } })
    expect(calls.filter((step) => step === 'retrieve').length).toBe(1)
  })
  test('revives a dead run when it is redriven', async () => {
    const { world } = scripted({})
    const run = await world.begin(
      'run_1',
      { step: 'verify', status: 'dead', rescues: 2, seq: 5 },
      { screened: sampleScreened(), passages: samplePassages(), draft: sampleDraft() },
    )
    await world.mover.move(run.id, { kind: 'redriven', step: 'verify' }, 'operator')
    await world.queues.drain()
    expect(await world.runs.load(run.id)).toMatchObject({ status: 'answered' })
  })
})

test('a parked run goes on at the same attempt when its batch is there', async () => {
  const { world, calls } = scripted({ generate: [new Parked(new Date('2026-11-22T12:00:00Z'), 'batch'), 'drafted'] })
  await world.process()
  await world.mover.move('run_1', { kind: 'resumed' }, 'batch')
  await world.queues.drain()
  expect([(await world.runs.load('run_1'))?.status, calls.filter((step) => step === 'generate').length]).toEqual(['answered', 2])
  expect(world.runs.logOf('run_1').findLast(({ step }) => step === 'generate')).toMatchObject({ attempt: 1, visit: 1 })
})

test('every job that is delivered twice is done once', async () => {
  const { world, calls } = scripted({ verify: ['repairable', 'faithful'] })
  await world.begin()
  for (let seq = 0; seq < 9; seq++) {
    await Promise.all([world.work({ runId: 'run_1', seq }), world.work({ runId: 'run_1', seq })])
    await world.work({ runId: 'run_1', seq })
  }
  expect((await world.runs.load('run_1'))?.status).toBe('answered')
  expect(world.runs.logOf('run_1').length).toBe(10)
  expect(calls.length).toBeLessThanOrEqual(18)
})
