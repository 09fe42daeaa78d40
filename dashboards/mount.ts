import type { FastifyInstance } from 'fastify'
import { mountConsole } from './console/mount.ts'
import type { DashboardDeps } from './deps.ts'
import { mountBoard } from './queues/board.ts'

/** What operators look at: Bull Board at `/queues`, the console at `/console`. Call before the instance is ready. */
export async function mountDashboards(app: FastifyInstance, deps: DashboardDeps): Promise<void> {
  await mountBoard(app, deps)
  await mountConsole(app, deps)
}
