import { documentAcceptor, documentRetrier } from './accept-document.ts'
import { ticketAcceptor } from './accept-ticket.ts'
import type { App } from './app.ts'
import { readLines } from './bulk.ts'
import type { ApiDeps, ApiLimits } from './deps.ts'
import { dispatchLater } from './dispatch-later.ts'
import { takeUploads } from './document-upload.ts'
import { batchRoutes } from './routes/batches.ts'
import { chatRoutes } from './routes/chat-completions.ts'
import { customerRoutes } from './routes/customers.ts'
import { deadLetterRoutes } from './routes/dead-letters.ts'
import { documentSetScheduleRoutes } from './routes/document-set-schedules.ts'
import { documentSetRoutes } from './routes/document-sets.ts'
import { documentRoutes } from './routes/documents.ts'
import { documentsBulkRoutes } from './routes/documents-bulk.ts'
import { escalationRoutes } from './routes/escalations.ts'
import { runRoutes } from './routes/runs.ts'
import { searchRoutes } from './routes/search.ts'
import { tenantKeyRoutes } from './routes/tenant-keys.ts'
import { tenantRoutes } from './routes/tenants.ts'
import { ticketEventRoutes } from './routes/ticket-events.ts'
import { ticketRoutes } from './routes/tickets.ts'
import { ticketsBulkRoutes } from './routes/tickets-bulk.ts'
import { usageRoutes } from './routes/usage.ts'
import { createSeqWatch } from './seq-watch.ts'

/** Everything below `/v1`. */
export async function v1Routes(app: App, { deps, limits }: { deps: ApiDeps; limits: ApiLimits }): Promise<void> {
  const dispatch = dispatchLater(deps.dispatcher, deps.log)
  app.addHook('onClose', () => dispatch.settled())
  const acceptTicket = ticketAcceptor(deps, limits, dispatch)
  const acceptDocument = documentAcceptor(deps, dispatch)
  ticketRoutes(app, deps, acceptTicket)
  const seqs = createSeqWatch(deps.runs, deps.log, limits.followPollMs)
  app.addHook('onClose', async () => seqs.stop())
  ticketEventRoutes(app, deps, limits, seqs)
  // Errors are told in OpenAI's shape here.
  await app.register(async (scope) => chatRoutes(scope, deps, limits, acceptTicket, seqs))
  searchRoutes(app, deps, limits)
  escalationRoutes(app, deps)
  runRoutes(app, deps)
  deadLetterRoutes(app, deps, limits)
  batchRoutes(app, deps)
  documentSetScheduleRoutes(app, deps)
  documentSetRoutes(app, deps, limits)
  tenantRoutes(app, deps)
  tenantKeyRoutes(app, deps)
  usageRoutes(app, deps)
  customerRoutes(app, deps)
  await app.register(async (scope) => {
    await takeUploads(scope, limits)
    documentRoutes(scope, deps, limits, { accept: acceptDocument, retry: documentRetrier(deps, dispatch) })
  })
  // Bulk bodies are read as streams: the parsers for that stay within a scope of their own.
  await app.register(async (scope) => {
    readLines(scope)
    ticketsBulkRoutes(scope, deps, limits, acceptTicket)
    documentsBulkRoutes(scope, deps, limits, acceptDocument)
  })
}
