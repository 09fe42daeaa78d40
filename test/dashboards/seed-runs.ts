import type { Attempt, Run } from '#shared/domain/run.ts'
import type { RecordedCall } from '#shared/ports/console-store.ts'
import { NOW, secondsAgo } from './moment.ts'
import { ANSWER, DRAFT, FACTS, SCREENED, TICKET, TRIAGE, VERDICT } from './seed-facts.ts'

function runOf(id: string, status: Run['status'], step: string, facts: Record<string, unknown>, startedSecondsAgo: number): Run {
  const ended = status === 'answered' || status === 'dead'
  return {
    id,
    tenantId: 'default',
    pipeline: 'support-ticket',
    version: 1,
    subjectId: id.replace('run_', 'tkt_'),
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    status,
    step,
    seq: 9,
    attempt: 1,
    visits: { [step]: 1 },
    loops: {},
    rescues: 0,
    deadlineAt: NOW,
    lane: 'interactive',
    facts,
    dueAt: new Date(NOW.getTime() + 7_200_000),
    createdAt: secondsAgo(startedSecondsAgo),
    updatedAt: NOW,
    endedAt: ended ? secondsAgo(startedSecondsAgo - 6) : null,
  }
}

type Entry = {
  step: string
  result: string
  to: string
  status?: Run['status']
  facts?: object
  ms?: number
  attempt?: number
  visit?: number
  failure?: Attempt['failure']
}

function attemptsOf(run: Run, entries: readonly Entry[]): Attempt[] {
  let at = run.createdAt.getTime()
  return entries.map(
    ({ step, result, to, status = 'running', facts = {}, ms = 12, attempt = 1, visit = 1, failure = null }, seq) => {
      const startedAt = new Date(at + 3)
      at = startedAt.getTime() + ms
      const next = { status, step: to, attempt: 1 }
      return {
        runId: run.id,
        seq,
        step,
        attempt,
        visit,
        result,
        failure,
        factsWritten: { ...facts },
        next,
        startedAt,
        endedAt: new Date(at),
        worker: seq === 0 ? '' : 'worker-a1',
      }
    },
  )
}

const BUSY: Attempt['failure'] = {
  kind: 'retryable',
  code: 'provider-rate-limited',
  message: 'slow down, said the provider to ada.secret@customer.example',
  retryAfterMs: 1_500,
}
const BROKEN: Attempt['failure'] = { kind: 'terminal', code: 'index-unreadable', message: 'the sparse index cannot be read' }
const UNTIL_TRIAGE: Entry[] = [
  { step: 'screen', result: 'accepted', to: 'screen', status: 'queued', facts: { ticket: TICKET }, ms: 0, visit: 0 },
  { step: 'screen', result: 'clean', to: 'recall', facts: { screened: SCREENED } },
  {
    step: 'recall',
    result: 'miss',
    to: 'classify',
    facts: { recalled: { key: 'k', partition: 'p', hit: false, cacheable: true } },
    ms: 2,
  },
  { step: 'classify', result: 'answerable', to: 'retrieve', facts: { triage: TRIAGE }, ms: 1 },
]
/** Four runs: one that went all the way with a retry and a repair, one that waits for a person, one that died, one that has just come. */
export function seedRuns() {
  const answered = runOf('run_answered', 'answered', 'deliver', { ...FACTS, draft: DRAFT, verdict: VERDICT, answer: ANSWER }, 300)
  const waiting = runOf(
    'run_waiting',
    'waiting',
    'escalate',
    { ...FACTS, draft: DRAFT, verdict: { ...VERDICT, decision: 'escalate' } },
    900,
  )
  const dead = runOf('run_dead', 'dead', 'retrieve', { ...FACTS, passages: undefined }, 600)
  const fresh = runOf('run_fresh', 'queued', 'screen', { ticket: TICKET }, 1)
  const runs = new Map([answered, waiting, dead, fresh].map((run) => [run.id, run]))
  const logs = new Map<string, Attempt[]>([
    [
      'run_answered',
      attemptsOf(answered, [
        ...UNTIL_TRIAGE,
        { step: 'retrieve', result: 'found', to: 'generate', facts: { passages: FACTS.passages }, ms: 18 },
        { step: 'generate', result: 'failed', to: 'generate', status: 'delayed', failure: BUSY, ms: 240 },
        { step: 'generate', result: 'drafted', to: 'verify', facts: { draft: DRAFT }, ms: 1_830, attempt: 2 },
        { step: 'verify', result: 'repairable', to: 'generate', facts: { verdict: { ...VERDICT, decision: 'repair' } }, ms: 9 },
        { step: 'generate', result: 'drafted', to: 'verify', facts: { draft: DRAFT }, ms: 1_420, visit: 2 },
        { step: 'verify', result: 'faithful', to: 'deliver', facts: { verdict: VERDICT, answer: ANSWER }, ms: 8, visit: 2 },
        {
          step: 'deliver',
          result: 'delivered',
          to: 'deliver',
          status: 'answered',
          facts: { receipt: { messageId: 'msg_1', deliveredAt: NOW.toISOString() } },
        },
      ]),
    ],
    [
      'run_waiting',
      attemptsOf(waiting, [
        ...UNTIL_TRIAGE,
        { step: 'retrieve', result: 'found', to: 'generate', ms: 20 },
        { step: 'generate', result: 'drafted', to: 'verify', ms: 1_100 },
        { step: 'verify', result: 'unfaithful', to: 'escalate', ms: 11 },
        { step: 'escalate', result: 'waiting', to: 'escalate', status: 'waiting' },
      ]),
    ],
    [
      'run_dead',
      attemptsOf(dead, [
        ...UNTIL_TRIAGE,
        { step: 'retrieve', result: 'failed', to: 'retrieve', status: 'dead', failure: BROKEN },
      ]),
    ],
    ['run_fresh', attemptsOf(fresh, UNTIL_TRIAGE.slice(0, 1))],
  ])
  const generateAt = logs.get('run_answered')!.filter(({ step }) => step === 'generate')
  const call = (attempt: Attempt, failureCode: string | null): RecordedCall => ({
    step: 'generate',
    visit: attempt.visit,
    task: 'generate',
    tier: 'standard',
    promptId: 'generate',
    promptVersion: 3,
    provider: 'openai',
    model: 'gpt-6-luna',
    failureCode,
    usage: failureCode
      ? { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 }
      : { inputTokens: 1_840, outputTokens: 212, cacheReadTokens: 1_024, cacheWriteTokens: 0 },
    costUsd: failureCode ? 0 : 0.000_198,
    latencyMs: 1_400,
    createdAt: attempt.startedAt,
  })
  const calls = generateAt.map((attempt, i) => call(attempt, i === 0 ? 'provider-rate-limited' : null))
  return { runs, logs, calls }
}
