import type { DashboardDeps, Viewer } from '#dashboards/deps.ts'
import type { RunEvent } from '#shared/domain/run.ts'
import type { Role } from '#shared/domain/tenant.ts'
import type { BatchProgress } from '#shared/ports/batch-store.ts'
import type { RecentTicket } from '#shared/ports/console-store.ts'
import type { Escalation } from '#shared/ports/escalation-store.ts'
import type { DeadLetter } from '#shared/ports/run-log.ts'
import { HOSTILE, NOW, secondsAgo } from './moment.ts'
import { PASSAGES, SCREENED, TRIAGE } from './seed-facts.ts'
import { seedRuns } from './seed-runs.ts'

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

const BATCH: BatchProgress = {
  id: 'bat_1',
  provider: 'openai',
  model: 'gpt-6-luna',
  endpoint: '/v1/chat/completions',
  state: 'submitted',
  seq: 3,
  requests: 1_200,
  bytes: 1_000_000,
  inputTokens: 250_000,
  fileId: 'file_1',
  marker: null,
  creatingForMs: null,
  creations: 1,
  remoteId: 'batch_remote',
  remoteStatus: `in_progress ${HOSTILE}`,
  completed: 300,
  polls: 4,
  cancelRequested: false,
  cancelSent: false,
  malformed: 0,
  unknown: 0,
  repeated: 0,
  failure: null,
  createdAt: secondsAgo(900),
  submittedAt: secondsAgo(800),
  endedAt: null,
  answered: 300,
  failed: 0,
  spilled: 12,
  cancelled: 0,
  waiting: 888,
  costUsd: 0.25,
}
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

/** Every fake keeps its door's promises as far as the pages rely on them: tenants apart, claims exclusive, moves guarded by seq. */
export function createWorld(): World {
  const { runs, logs, calls } = seedRuns()
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
      deadLetters: async (tenantId, { ids, open, step, code, limit }) =>
        own(tenantId, world.letters)
          .filter((item) => !(open && item.redrivenAt) && (!step || item.step === step) && (!code || item.code === code))
          .filter((item) => !ids || ids.includes(item.id))
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
    batches: { list: async () => [BATCH] },
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
