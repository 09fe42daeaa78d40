import type { FastifyInstance } from 'fastify'
import { mountConsole } from './console/mount.ts'
import type { DashboardDeps } from './deps.ts'
import { sendProblem } from './problem.ts'
import { mountBoard } from './queues/board.ts'

/** What operators look at: Bull Board at `/queues`, the console at `/console`. Call before the instance is ready. */
export async function mountDashboards(app: FastifyInstance, deps: DashboardDeps): Promise<void> {
  await mountBoard(app, deps)
  await mountConsole(app, deps)
  leadToConsole(app)
}

/** Whoever opens the bare address in a browser looks for the console; for other clients there is nothing, as the API says it. */
function leadToConsole(app: FastifyInstance): void {
  app.get('/', { schema: { hide: true } as object }, (request, reply) =>
    /\btext\/html\b/i.test(request.headers.accept ?? '')
      ? reply.header('vary', 'accept').redirect('/console', 302)
      : sendProblem(reply, 404, 'not-found', 'there is no such route'),
  )
}
