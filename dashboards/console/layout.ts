import type { FastifyReply, FastifyRequest } from 'fastify'
import { DEFAULT_TENANT_ID, type Role } from '#shared/domain/tenant.ts'
import { hasRole, knownViewer } from '../access.ts'
import type { Viewer } from '../deps.ts'
import { type Html, html } from './html.ts'

/** They look at runs and decide cases, as in the API. */
export const LOOKERS: readonly Role[] = ['agent', 'operator', 'admin']
export const OPERATORS: readonly Role[] = ['operator', 'admin']

/** No scripts at all; styles and the icon from here only; forms post here only. */
const POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

type Link = {
  readonly path: string
  readonly name: string
  readonly roles: readonly Role[]
  /** Shows what belongs to no single tenant: only for the installation's own. */
  readonly everyTenant?: boolean
}
const PAGES: readonly Link[] = [
  { path: '/console', name: 'Overview', roles: LOOKERS },
  { path: '/console/escalations', name: 'Escalations', roles: LOOKERS },
  { path: '/console/dead-letters', name: 'Dead letters', roles: OPERATORS },
  { path: '/console/batches', name: 'Batches', roles: OPERATORS, everyTenant: true },
  { path: '/queues', name: 'Queues', roles: OPERATORS },
]

export type Page = {
  readonly title: string
  readonly body: Html
  readonly status?: number
  readonly notice?: { readonly kind: 'good' | 'bad'; readonly text: string } | undefined
  /** Load again after this many seconds; only where the reader asked for it. */
  readonly refreshSeconds?: number | undefined
}

export function sendPage(request: FastifyRequest, reply: FastifyReply, page: Page): FastifyReply {
  const viewer = knownViewer(request)
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${page.refreshSeconds && html`<meta http-equiv="refresh" content="${page.refreshSeconds}">`}
<title>${page.title} · Answerline</title>
<link rel="stylesheet" href="/console/style.css">
<link rel="icon" href="/console/icon.svg" type="image/svg+xml">
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header><a class="brand" href="/console">Answerline</a>
${
  viewer &&
  html`<nav aria-label="Console"><ul>${links(viewer, request.url)}</ul></nav>
<p class="who">${viewer.actor} <span class="tenant">${viewer.tenantId}</span></p>`
}</header>
<main id="main">
${page.notice && html`<p class="notice ${page.notice.kind}" role="status">${page.notice.text}</p>`}
${page.body}
</main>
</body>
</html>`
  return reply
    .status(page.status ?? 200)
    .headers(SECURITY_HEADERS)
    .type('text/html; charset=utf-8')
    .send(document.toString())
}

const links = (viewer: Viewer, url: string): Html[] =>
  PAGES.filter(
    ({ roles, everyTenant = false }) => hasRole(viewer, roles) && (!everyTenant || viewer.tenantId === DEFAULT_TENANT_ID),
  ).map(
    ({ path, name }) => html`<li><a href="${path}"${url.split('?')[0] === path && html` aria-current="page"`}>${name}</a></li>`,
  )

export const SECURITY_HEADERS = {
  'content-security-policy': POLICY,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
}

export const sendNotFound = (request: FastifyRequest, reply: FastifyReply, what: string) =>
  sendPage(request, reply, {
    title: 'Not found',
    status: 404,
    body: html`<h1>Not found</h1><p>There is no ${what} here, or it belongs to another tenant. <a href="/console">Back to the overview</a></p>`,
  })
