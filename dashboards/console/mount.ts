import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isStoreAway } from '#shared/domain/store-away.ts'
import { admit } from '../access.ts'
import type { DashboardDeps } from '../deps.ts'
import { addChanges } from './changes.ts'
import { html } from './html.ts'
import { LOOKERS, SECURITY_HEADERS, sendPage } from './layout.ts'
import { addViews } from './views.ts'

const FORM = 'application/x-www-form-urlencoded'
const MAX_FORM_BYTES = 256 * 1024
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b6e5f"/><path d="M8 17l6 6 11-13" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" stroke-linejoin="round"/></svg>`

const RETRY_AFTER_SECONDS = 2
const CANNOT = 'This page cannot be made now'
const STORE_AWAY = [
  CANNOT,
  'A store it needs does not answer, most likely PostgreSQL; what it holds is safe. Load the page again in a moment; answerline doctor says more.',
]
const OUR_MISTAKE = [CANNOT, 'Something went wrong on our side; the log has it under this id.']
const NOT_RIGHT = ['That request is not right', 'Go back and try again.']

/** Pages made on the server: they work without scripts, and none are allowed. */
export async function mountConsole(app: FastifyInstance, deps: DashboardDeps): Promise<void> {
  const style = readFileSync(join(import.meta.dirname, 'style.css'), 'utf8')
  await app.register(
    async (scope) => {
      scope.addHook('onRequest', admit(deps, LOOKERS))
      // The API around it may have one of its own, or refuse forms.
      if (scope.hasContentTypeParser(FORM)) scope.removeContentTypeParser(FORM)
      scope.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: MAX_FORM_BYTES }, (_request, body, done) =>
        done(null, new URLSearchParams(String(body))),
      )
      scope.setErrorHandler((error, request, reply) => sendFailure(deps, error, request, reply))
      const file = (path: string, type: string, content: string) =>
        scope.get(path, { schema: { hide: true } as object }, (_request, reply) =>
          reply
            .headers({ ...SECURITY_HEADERS, 'cache-control': 'private, max-age=300' })
            .type(type)
            .send(content),
        )
      file('/style.css', 'text/css; charset=utf-8', style)
      file('/icon.svg', 'image/svg+xml', ICON)
      addViews(scope, deps)
      addChanges(scope, deps)
    },
    { prefix: '/console' },
  )
}

/** Any route's last word, and that of the hook which asks who looks: there may be no viewer. */
function sendFailure(deps: Pick<DashboardDeps, 'log'>, error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const away = isStoreAway(error)
  const status = away ? 503 : ((error as { statusCode?: number }).statusCode ?? 500)
  if (away) deps.log.warn({ error, requestId: request.id }, 'a console page could not be made: a store was not available')
  else if (status >= 500) deps.log.error({ error, requestId: request.id }, 'a console page could not be made')
  if (away) reply.header('retry-after', String(RETRY_AFTER_SECONDS))
  const [heading, advice] = away ? STORE_AWAY : status >= 500 ? OUR_MISTAKE : NOT_RIGHT
  const body = html`<h1>${heading}</h1><p>${advice} Request <code>${request.id}</code>.</p>`
  return sendPage(request, reply, { title: 'Not possible', status, body })
}
