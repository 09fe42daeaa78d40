import { Attempt, DISPATCHED, ENDED, Run, RunState } from '#shared/domain/run.ts'
import type { DeadLetter, Hop, NewRun, RunGlance, RunLog } from '#shared/ports/run-log.ts'

type Row = { run: Omit<Run, 'facts'>; checkAt: number; held: boolean; log: Attempt[] }

/** What a store gives back is a copy, and of facts only what JSON can carry. */
const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value))

export type MemoryRunLog = RunLog & {
  /** While set, every call fails, as when the database is away. */
  away: boolean
  /** The whole log of a run, whoever owns it. */
  logOf(runId: string): readonly Attempt[]
}

/** The run log of a process that forgets. @param now the store's own clock, as that of a database */
export function memoryRunLog(now: () => Date): MemoryRunLog {
  const rows = new Map<string, Row>()
  const letters: (DeadLetter & { readonly seq: number })[] = []
  const open = () => {
    if (log.away) throw new Error('connect ECONNREFUSED')
    return rows
  }
  const all = () => [...open().values()]

  const log: MemoryRunLog = {
    away: false,
    logOf: (runId) => rows.get(runId)?.log ?? [],
    async begin(runs) {
      for (const run of runs) if (!open().has(run.id)) rows.set(run.id, firstRow(run, now()))
    },
    async load(runId) {
      const row = open().get(runId)
      if (!row) return undefined
      const facts = Object.assign({}, ...row.log.map(({ factsWritten }) => stored(factsWritten)))
      return Run.parse(structuredClone({ ...row.run, facts }))
    },
    async seqs(runIds) {
      const known = open()
      return new Map(runIds.flatMap((id) => (known.has(id) ? [[id, known.get(id)!.run.seq] as const] : [])))
    },
    async record(hop) {
      const row = open().get(hop.runId)
      if (!row || row.run.seq !== hop.seq) return false
      write(row, hop, now())
      if (hop.deadLetter) {
        const { tenantId, runId, pipeline, endedAt } = hop
        letters.push({ ...hop.deadLetter, tenantId, runId, pipeline, createdAt: endedAt, redrivenAt: null, seq: hop.seq + 1 })
      }
      return true
    },
    async dispatched(overdueMs, limit) {
      const due = all().filter(
        ({ run, held, checkAt }) => !held && DISPATCHED.includes(run.status) && checkAt <= now().getTime() - overdueMs,
      )
      return due
        .sort((a, b) => a.checkAt - b.checkAt)
        .slice(0, limit)
        .map(toGlance)
    },
    async anyHeld() {
      return all().some(({ held }) => held)
    },
    async release(limit) {
      const turns = [...Map.groupBy(all(), ({ run }) => run.tenantId).values()].flatMap((rows) =>
        rows
          .filter(({ held }) => held)
          .sort((a, b) => a.run.createdAt.getTime() - b.run.createdAt.getTime())
          .map((row, turn) => ({ row, turn })),
      )
      const released = turns
        .sort((a, b) => a.turn - b.turn)
        .slice(0, limit)
        .map(({ row }) => row)
      for (const row of released) Object.assign(row, { held: false, checkAt: now().getTime() })
      return released.map(toGlance)
    },
    async checked(runIds, restMs) {
      for (const id of runIds) {
        const row = open().get(id)
        if (row) row.checkAt = now().getTime() + restMs
      }
    },
    async checkAll(withinMs) {
      const soon = now().getTime() + withinMs
      for (const row of all())
        if (DISPATCHED.includes(row.run.status) && row.checkAt <= soon) row.checkAt = Number.NEGATIVE_INFINITY
    },
    async expired(at, limit) {
      const over = all().filter(({ run }) => (run.status === 'waiting' || run.status === 'parked') && run.dueAt <= at)
      return over
        .sort((a, b) => a.run.dueAt.getTime() - b.run.dueAt.getTime())
        .slice(0, limit)
        .map(toGlance)
    },
    async attempts(tenantId, runId) {
      const row = open().get(runId)
      return row?.run.tenantId === tenantId ? structuredClone(row.log) : []
    },
    async backlog() {
      const resting = new Set<string>(ENDED)
      const groups = Map.groupBy(
        all().filter(({ run }) => !resting.has(run.status)),
        ({ run }) => JSON.stringify([run.tenantId, run.status, run.pipeline]),
      )
      return [...groups.values()].map((group) => {
        const { tenantId, status, pipeline } = group[0]!.run
        return { tenantId, status, pipeline, count: group.length }
      })
    },
    async deadLetters(tenantId, { ids, step, code, open: onlyOpen, limit }) {
      open()
      return letters
        .filter((letter) => letter.tenantId === tenantId && (ids === undefined || ids.includes(letter.id)))
        .filter((letter) => (step === undefined || letter.step === step) && (code === undefined || letter.code === code))
        .filter((letter) => onlyOpen !== true || letter.redrivenAt === null)
        .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
        .slice(0, limit)
        .map(({ seq: _seq, ...letter }) => letter)
    },
    async markRedriven(tenantId, id, at) {
      open()
      const index = letters.findIndex((letter) => letter.tenantId === tenantId && letter.id === id)
      if (index >= 0) letters[index] = { ...letters[index]!, redrivenAt: at }
    },
  }
  return log
}

function firstRow({ given, state, held = false, ...run }: NewRun, now: Date): Row {
  const { createdAt } = run
  const began = { ...run, ...stateOf(state), dueAt: createdAt, updatedAt: createdAt, endedAt: null }
  const accepted = {
    runId: run.id,
    seq: state.seq,
    step: state.step,
    attempt: state.attempt,
    visit: 0,
    result: 'accepted',
    failure: null,
    factsWritten: stored(given),
    next: state,
    startedAt: createdAt,
    endedAt: createdAt,
    worker: '',
  }
  return { run: began, checkAt: now.getTime(), held, log: [Attempt.parse(accepted)] }
}

function write(row: Row, hop: Hop, now: Date): void {
  const { next, dueAt, endedAt } = hop
  row.run = {
    ...row.run,
    ...stateOf(next),
    dueAt,
    updatedAt: endedAt,
    endedAt: ENDED.includes(next.status) ? endedAt : null,
  }
  row.held = false
  row.checkAt = now.getTime() + Math.max(0, dueAt.getTime() - endedAt.getTime())
  row.log.push(Attempt.parse({ ...hop, seq: hop.seq + 1, factsWritten: stored(hop.factsWritten) }))
}

const stateOf = (state: RunState): RunState => RunState.parse(structuredClone(state))

const toGlance = ({ run: { id, tenantId, pipeline, step, seq, status, dueAt, lane } }: Row): RunGlance => ({
  id,
  tenantId,
  pipeline,
  step,
  seq,
  status,
  dueAt,
  lane,
})
