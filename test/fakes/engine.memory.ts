import { beginRun } from '#pipelines/advance.ts'
import type { Pipeline } from '#pipelines/pipeline.ts'
import { pipelineNamed } from '#pipelines/registry.ts'
import type { Run, RunState } from '#shared/domain/run.ts'
import type { Tenant } from '#shared/domain/tenant.ts'
import type { Ticket } from '#shared/domain/ticket.ts'
import type { TenantStore } from '#shared/ports/tenant-store.ts'
import type { Engine } from '#workers/engine.ts'
import { runSteps } from '#workers/go-on.ts'
import { createRunMover } from '#workers/move-run.ts'
import type { Overtaken } from '#workers/overtaken.ts'
import { createRecentRuns } from '#workers/recent-runs.ts'
import type { Deps, StepTable } from '#workers/step.ts'
import { steps } from '#workers/steps.ts'
import { steadyClock } from './clock.steady.ts'
import { memoryConversations } from './conversation-store.memory.ts'
import { memoryEscalations } from './escalation-store.memory.ts'
import { recordingLog } from './log.recording.ts'
import { memoryQueues } from './queues.memory.ts'
import { memoryRunLog } from './run-log.memory.ts'
import { sampleTenant, sampleTicket } from './sample-facts.ts'
import { recordingTelemetry } from './telemetry.recording.ts'
import { memoryTokenStream } from './token-stream.memory.ts'

export type TicketSteps = Partial<StepTable['support-ticket']>
/** Nobody is ever overtaken by somebody else. */
export const nobodyElse: Overtaken = { watch: (_run, work) => work(new AbortController().signal), stop: () => {} }

/** The whole engine on stores and queues of this process; only the steps are what the test says. */
/** @param goesOn which steps are gone on with without a queue; none, unless a test says so */
export function memoryEngine(
  ticketSteps: TicketSteps = {},
  tenant: Tenant = sampleTenant(),
  goesOn: NonNullable<Engine['goesOn']> = () => false,
) {
  const clock = steadyClock()
  const runs = memoryRunLog(clock.now)
  const queues = memoryQueues(clock)
  const stream = memoryTokenStream()
  const log = recordingLog()
  const telemetry = recordingTelemetry()
  const escalations = memoryEscalations()
  const table = { ...steps, 'support-ticket': { ...steps['support-ticket'], ...ticketSteps } }
  const engine: Engine = {
    runs,
    dispatcher: queues.dispatcher,
    stream,
    tenants: { get: async (id: string) => (id === tenant.id ? tenant : undefined) } as unknown as TenantStore,
    telemetry,
    clock,
    log,
    worker: 'worker-1',
    backlogOf: () => 0,
    deps: { escalations, conversations: memoryConversations() } as unknown as Deps,
  }
  // As `startWorkers` does it.
  const working: Engine = { ...engine, recent: createRecentRuns(clock), goesOn }
  const pipeline = pipelineNamed('support-ticket') as Pipeline
  for (const step of Object.keys(pipeline.steps))
    queues.consumer.start(
      { pipeline: pipeline.name, step },
      (job, signal) => runSteps(working, table, nobodyElse, job, signal),
      1,
    )

  /** A run in the given state, written as it would be after the API took the ticket. */
  async function begin(
    id = 'run_1',
    state: Partial<RunState> = {},
    given: Record<string, unknown> = {},
    held = false,
  ): Promise<Run> {
    const ticket: Ticket = sampleTicket({ tenantId: tenant.id, id: `tkt_of_${id}` })
    await runs.begin([
      {
        id,
        tenantId: tenant.id,
        pipeline: pipeline.name,
        version: pipeline.version,
        subjectId: ticket.id,
        traceId: `trace_of_${id}`,
        state: { ...beginRun(pipeline, ticket.lane, clock.now()), ...state },
        given: { ticket, ...given },
        createdAt: clock.now(),
        held,
      },
    ])
    return (await runs.load(id))!
  }

  return {
    engine,
    clock,
    runs,
    queues,
    stream,
    log,
    telemetry,
    escalations,
    mover: createRunMover(engine),
    begin,
    /** Takes a new ticket through to where it rests. */
    async process(id = 'run_1'): Promise<Run> {
      const run = await begin(id)
      await queues.dispatcher.dispatch([
        { runId: id, seq: 0, pipeline: run.pipeline, step: run.step, lane: run.lane, delayMs: 0, backlog: 0 },
      ])
      await queues.drain()
      return (await runs.load(id))!
    },
    work: (job: { runId: string; seq: number }, signal = new AbortController().signal, overtaken = nobodyElse) =>
      runSteps(working, table, overtaken, job, signal),
    /** The results in the log, in order. */
    results: (id = 'run_1') => runs.logOf(id).map(({ step, result }) => `${step}:${result}`),
  }
}
