import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { admit } from '../access.ts'
import type { DashboardDeps } from '../deps.ts'
import { addChanges } from './changes.ts'
import { html } from './html.ts'
import { LOOKERS, SECURITY_HEADERS, sendPage } from './layout.ts'
import { addViews } from './views.ts'

const FORM = 'application/x-www-form-urlencoded'
const MAX_FORM_BYTES = 256 * 1024
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b6e5f"/><path d="M8 17l6 6 11-13" fill="none" stroke="#fff" stroke-width="4" stroke-linecap="round" stroke-linejoin="round"/></svg>`

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
      scope.setErrorHandler((error: { statusCode?: number }, request, reply) => {
        const status = error.statusCode ?? 500
        if (status >= 500) deps.log.error({ error, requestId: request.id }, 'a console page could not be made')
        return sendPage(request, reply, {
          title: 'Not possible',
          status,
          body: html`<h1>${status >= 500 ? 'This page cannot be made now' : 'That request is not right'}</h1><p>${status >= 500 ? 'Most likely a store is down; runs in PostgreSQL are safe.' : 'Go back and try again.'} Request <code>${request.id}</code>.</p>`,
        })
      })
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
