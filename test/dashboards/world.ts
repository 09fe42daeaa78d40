import { spawnSync } from 'node:child_process'
import type { DashboardDeps, Viewer } from '#dashboards/deps.ts'
import type { Attempt, Run, RunEvent } from '#shared/domain/run.ts'
import type { Role } from '#shared/domain/tenant.ts'
import type { RecentTicket, RecordedCall } from '#shared/ports/console-store.ts'
import type { Escalation } from '#shared/ports/escalation-store.ts'
import type { DeadLetter } from '#shared/ports/run-log.ts'

export const NOW = new Date('2026-11-20T03:00:00Z')
export const HOSTILE = `<script>document.title='owned'</script> "><img src=x onerror="document.title='owned'">`
export const secondsAgo = (seconds: number) => new Date(NOW.getTime() - seconds * 1_000)

const PASSAGES = [
  {
    n: 1,
    chunkId: 'doc_returns:0',
    documentId: 'doc_returns',
    title: 'Returns and refunds',
    url: 'https://help.larkspur.example/returns',
    section: ['Returns', 'Refunds'],
    text: 'You may return a sensor within 30 days of delivery. Refunds reach your card within 5 working days after we received the parcel.',
    start: 120,
    end: 250,
    scores: { dense: 0.71, sparse: 12.4, fused: 0.033, rerank: 0.91 },
  },
  {
    n: 2,
    chunkId: 'doc_labels:2',
    documentId: 'doc_labels',
    title: `Return labels ${HOSTILE}`,
    url: 'javascript:alert(1)',
    section: ['Labels'],
    text: 'The return label is in the app under Orders › Return. It costs nothing inside the EU.',
    start: 0,
    end: 90,
    scores: { fused: 0.021 },
  },
]
const CLAIMS = [
  { text: 'Thank you for writing to us.', supported: true, score: 1, citations: [], reason: '', kind: 'courtesy' },
  {
    text: 'Refunds reach your card within 5 working days after we received the parcel.',
    supported: true,
    score: 1,
    citations: [1],
    evidence: { n: 1, start: 53, end: 130, text: 'Refunds reach your card within 5 working days after we received the parcel.' },
    reason: '',
    kind: 'claim',
  },
  {
    text: 'You will also get a voucher of 15 €.',
    supported: false,
    score: 0.1,
    citations: [2],
    reason: 'the amount "15 €" stands in none of the cited passages',
    kind: 'claim',
  },
]
const SCREENED = {
  subject: `Where is my refund? ${HOSTILE}`,
  text: `Hello, I sent the parcel back two weeks ago. My address is [EMAIL_1]. When do I get my money?\n${HOSTILE}`,
  language: 'en',
  languageConfidence: 0.99,
  placeholders: [{ token: '[EMAIL_1]', type: 'email', value: 'ada.secret@customer.example' }],
  injection: { score: 0.1, rules: [] },
  reasons: [],
  truncated: false,
}
const TRIAGE = {
  intent: 'refund_status',
  confidence: 0.93,
  decidedBy: 'local',
  severity: 'P2',
  sentiment: 'neutral',
  legalThreat: false,
  wantsPerson: false,
  entities: [],
  query: 'When do refunds arrive?',
  complexity: 0.2,
  reasons: [],
}
const DRAFT = {
  answerable: true,
  sentences: CLAIMS.map(({ text, citations }) => ({ text, citations })),
  followUps: [],
  model: 'gpt-6-luna',
  by: 'model',
  prompt: { id: 'generate', version: 3, hash: 'abc' },
}
const VERDICT = {
  decision: 'deliver',
  claims: CLAIMS,
  cut: [2],
  outputChecks: [{ check: 'no personal data', passed: true, detail: '' }],
  confidence: 0.88,
  reasons: [],
}
const ANSWER = {
  text: 'Thank you for writing to us. Refunds reach your card within 5 working days after we received the parcel. [1]',
  citations: [
    {
      n: 1,
      documentId: 'doc_returns',
      chunkId: 'doc_returns:0',
      title: 'Returns and refunds',
      url: PASSAGES[0]!.url!,
      quote: PASSAGES[0]!.text,
    },
  ],
  confidence: 0.88,
  followUps: [],
  by: 'model',
}
const TICKET = {
  id: 'tkt_answered',
  tenantId: 'default',
  conversationId: 'cnv_1',
  subject: 'RAW subject ada.secret@customer.example',
  body: 'RAW body ada.secret@customer.example',
  channel: 'email',
  requester: { id: 'cust-7', email: 'ada.secret@customer.example', name: 'Ada' },
  tier: 'standard',
  lane: 'interactive',
  receivedAt: secondsAgo(300).toISOString(),
}
const FACTS = {
  ticket: TICKET,
  screened: SCREENED,
  triage: TRIAGE,
  passages: { passages: PASSAGES, evidence: 0.8, degraded: false, knowledgeVersion: '3' },
}

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

export type World = {
  readonly deps: Omit<DashboardDeps, 'queues'>
  readonly moves: { runId: string; event: RunEvent; by: string; seq: number | undefined }[]
  readonly audited: Parameters<DashboardDeps['audit']>[0][]
  readonly redriven: { id: string; tenantId: string; actor: string }[]
  readonly escalations: Escalation[]
  readonly letters: DeadLetter[]
  queuesAreDown: boolean
}

export const KEYS = {
  admin: 'admin-key',
  agent: 'agent-key',
  operator: 'operator-key',
  reader: 'reader-key',
  stranger: 'stranger-key',
} as const

const viewers: Record<string, Viewer> = {
  [KEYS.admin]: { tenantId: 'default', roles: new Set<Role>(['ingest', 'read', 'agent', 'operator', 'admin']), actor: 'admin' },
  [KEYS.agent]: { tenantId: 'default', roles: new Set<Role>(['agent']), actor: 'key_agent' },
  [KEYS.operator]: { tenantId: 'default', roles: new Set<Role>(['operator']), actor: 'key_operator' },
  [KEYS.reader]: { tenantId: 'default', roles: new Set<Role>(['read', 'ingest']), actor: 'key_reader' },
  [KEYS.stranger]: { tenantId: 'other', roles: new Set<Role>(['agent', 'operator']), actor: 'key_stranger' },
}

/** Every fake keeps its door's promises as far as the pages rely on them: tenants apart, claims exclusive, moves guarded by seq. */
export function createWorld(): World {
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
  const escalation = (id: string, runId: string, severity: string, summary: string, claimedBy: string | null): Escalation => ({
    id,
    tenantId: 'default',
    runId,
    ticketId: runId.replace('run_', 'tkt_'),
    visit: 1,
    severity,
    reason: 'the draft could not be proven',
    summary,
    evidence: [{ title: 'Returns and refunds', url: 'https://help.larkspur.example/returns', text: PASSAGES[0]!.text }],
    createdAt: secondsAgo(900),
    expiresAt: new Date(NOW.getTime() + 172_800_000),
    claimedBy,
    claimedAt: claimedBy ? secondsAgo(60) : null,
    resolution: null,
    resolvedBy: null,
    resolvedAt: null,
  })
  const letter = (id: string, runId: string, code: string, step: string): DeadLetter => ({
    id,
    tenantId: 'default',
    runId,
    pipeline: 'support-ticket',
    step,
    code,
    message: `the sparse index cannot be read ${HOSTILE}`,
    createdAt: secondsAgo(400),
    redrivenAt: null,
  })
  const world: World = {
    moves: [],
    audited: [],
    redriven: [],
    queuesAreDown: false,
    escalations: [
      escalation('esc_1', 'run_waiting', 'P2', `Customer asks for a refund that the policy does not name ${HOSTILE}`, null),
      escalation('esc_2', 'run_other', 'P0', 'Smoke came out of a sensor', 'key_someone'),
    ],
    letters: [letter('dl_1', 'run_dead', 'index-unreadable', 'retrieve'), letter('dl_2', 'run_elsewhere', 'defect', 'verify')],
    deps: {} as World['deps'],
  }
  const own = <T extends { tenantId: string }>(tenantId: string, list: readonly T[]) =>
    list.filter((item) => item.tenantId === tenantId)
  const change = (id: string, fields: Partial<Escalation>) => {
    const i = world.escalations.findIndex((item) => item.id === id)
    world.escalations[i] = { ...world.escalations[i]!, ...fields }
  }
  Object.assign(world.deps, {
    identify: async (key, tenantId) => {
      const viewer = viewers[key]
      return tenantId !== undefined && viewer?.tenantId !== tenantId ? undefined : viewer
    },
    audit: async (entry) => void world.audited.push(entry),
    redrive: async (id, { tenantId, actor }) => {
      const open = own(tenantId, world.letters).find((item) => item.id === id && !item.redrivenAt)
      if (!open) return { redriven: false, why: 'there is no such open dead letter' }
      world.redriven.push({ id, tenantId, actor })
      world.letters[world.letters.indexOf(open)] = { ...open, redrivenAt: NOW }
      return { redriven: true }
    },
    dispatcher: {
      depths: async () => {
        if (world.queuesAreDown) throw new Error('connect ECONNREFUSED')
        return ['screen', 'recall', 'classify', 'retrieve', 'generate', 'verify', 'escalate', 'deliver'].map((step, i) => ({
          queue: `support-ticket.${step}`,
          waiting: i * 3,
          active: i % 3,
          delayed: i === 4 ? 7 : 0,
          failed: i === 3 ? 1 : 0,
        }))
      },
    },
    runLog: {
      load: async (id) => runs.get(id),
      attempts: async (tenantId, id) => (runs.get(id)?.tenantId === tenantId ? (logs.get(id) ?? []) : []),
      deadLetters: async (tenantId, { open, step, code, limit }) =>
        own(tenantId, world.letters)
          .filter((item) => !(open && item.redrivenAt) && (!step || item.step === step) && (!code || item.code === code))
          .slice(0, limit),
    },
    escalations: {
      list: async (tenantId, { open, claimedBy, limit }) =>
        own(tenantId, world.escalations)
          .filter((item) => !(open && item.resolution) && (!claimedBy || item.claimedBy === claimedBy))
          .slice(0, limit),
      find: async (tenantId, id) => own(tenantId, world.escalations).find((item) => item.id === id),
      ofRun: async (tenantId, runId) => own(tenantId, world.escalations).find((item) => item.runId === runId),
      claim: async (tenantId, id, by, at) => {
        const item = own(tenantId, world.escalations).find((one) => one.id === id)
        if (!item || item.resolution || (item.claimedBy && item.claimedBy !== by)) return false
        change(id, { claimedBy: by, claimedAt: at })
        return true
      },
      resolve: async (tenantId, runId, resolution, by, at) => {
        for (const item of own(tenantId, world.escalations))
          if (item.runId === runId && !item.resolution) change(item.id, { resolution, resolvedBy: by, resolvedAt: at })
      },
    },
    conversations: {
      replyOf: async (tenantId, runId) =>
        runId === 'run_answered'
          ? {
              id: 'msg_1',
              tenantId,
              conversationId: 'cnv_1',
              ticketId: 'tkt_answered',
              runId,
              author: 'machine',
              body: 'RAW reply to ada.secret@customer.example',
              citations: [],
              createdAt: secondsAgo(294),
            }
          : undefined,
    },
    tickets: {
      find: async (tenantId, id) => {
        const run = runs.get(id.replace('tkt_', 'run_'))
        return run?.tenantId === tenantId ? { id, tenantId, runId: run.id, conversationId: 'cnv_1', createdAt: NOW } : undefined
      },
    },
    runMover: {
      move: async (runId, event, by, seq) => {
        const run = runs.get(runId)
        if (!run) return { moved: false, reason: 'gone', why: 'no such run' }
        if (seq !== undefined && seq !== run.seq) return { moved: false, reason: 'refused', why: 'somebody else was faster' }
        world.moves.push({ runId, event, by, seq })
        const next = { ...run, seq: run.seq + 1, status: 'running' as const, step: 'deliver' }
        runs.set(runId, next)
        return { moved: true, state: next }
      },
    },
    consoleStore: {
      figures: async (tenantId) => ({
        byStatus:
          tenantId === 'default'
            ? (
                [
                  ['queued', 12],
                  ['running', 5],
                  ['delayed', 2],
                  ['waiting', 2],
                  ['answered', 1_284],
                  ['closed', 61],
                  ['dead', 1],
                ] as const
              ).map(([status, count]) => ({ status, count }))
            : [],
        openEscalations: own(tenantId, world.escalations).filter((item) => !item.resolution).length,
        openDeadLetters: own(tenantId, world.letters).filter((item) => !item.redrivenAt).length,
        modelCalls: 1_530,
        costUsd: 0.8431,
      }),
      recentTickets: async (tenantId, { status, limit }) =>
        [...runs.values()]
          .filter((run) => run.tenantId === tenantId && (!status || run.status === status))
          .slice(0, limit)
          .map((run): RecentTicket => {
            const known = run.id !== 'run_fresh'
            return {
              ticketId: run.subjectId,
              runId: run.id,
              status: run.status,
              step: run.step,
              lane: run.lane,
              subject: known ? SCREENED.subject : null,
              opening: known ? SCREENED.text : null,
              intent: known ? TRIAGE.intent : null,
              severity: known ? TRIAGE.severity : null,
              costUsd: run.id === 'run_answered' ? 0.000_396 : 0,
              createdAt: run.createdAt,
              endedAt: run.endedAt,
            }
          }),
      modelCalls: async (_tenantId, runId) => (runId === 'run_answered' ? calls : []),
    },
    clock: { now: () => NOW },
    log: silent,
  } satisfies World['deps'])
  return world
}

const silent: DashboardDeps['log'] = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
export const basic = (key: string, user = 'me') => ({
  authorization: `Basic ${Buffer.from(`${user}:${key}`).toString('base64')}`,
})

/** Empty where there is none; tests that need it skip then. */
export const BROWSER = spawnSync('sh', ['-c', 'command -v chromium || command -v chromium-browser || command -v google-chrome'], {
  encoding: 'utf8',
}).stdout.trim()
export const BROWSER_ARGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(
    ' ',
  )
