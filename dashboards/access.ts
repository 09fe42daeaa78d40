import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Role, TENANT_ID } from '#shared/domain/tenant.ts'
import type { DashboardDeps, Viewer } from './deps.ts'
import { sendProblem } from './problem.ts'

type Access = { readonly viewer: Viewer; readonly formToken: string }
const accesses = new WeakMap<FastifyRequest, Access>()

/**
 * A Fastify `onRequest` hook: lets in holders of an API key with one of these roles. Browsers cannot send Bearer, so the key may
 * also come as the password of HTTP Basic; the user name is free, and `name@tenant` names the tenant for keys that serve several.
 */
export function admit(deps: Pick<DashboardDeps, 'authenticate'>, roles: readonly Role[]) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const key = keyOf(request)
    const viewer = key === undefined ? undefined : await deps.authenticate(request)
    if (key === undefined || !viewer) {
      reply.header('www-authenticate', 'Basic realm="Answerline: any user name, an API key as password", charset="UTF-8"')
      return sendProblem(reply, 401, 'unauthenticated', 'Send an API key: as Bearer token, or as the password of HTTP Basic.')
    }
    if (!hasRole(viewer, roles))
      return sendProblem(reply, 403, 'forbidden', `This page needs one of the roles ${roles.join(', ')}.`)
    if (isCrossSite(request))
      return sendProblem(reply, 403, 'cross-site-request', 'A change must come from the console’s own pages.')
    accesses.set(request, { viewer, formToken: formTokenOf(key) })
  }
}

export const hasRole = (viewer: Viewer, roles: readonly Role[]) => viewer.roles.some((role) => roles.includes(role))

export function viewerOf(request: FastifyRequest): Viewer {
  return accessOf(request).viewer
}

/** For the hidden field of a form: only pages made for the holder of the same key know it. */
export const formTokenFor = (request: FastifyRequest): string => accessOf(request).formToken

export function isFormToken(request: FastifyRequest, sent: unknown): boolean {
  const expected = Buffer.from(accessOf(request).formToken)
  const given = Buffer.from(typeof sent === 'string' ? sent : '')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function accessOf(request: FastifyRequest): Access {
  const access = accesses.get(request)
  if (!access) throw new Error('the route is mounted outside of admit()')
  return access
}

/** Derived from the key, which no other site knows: the same in every API process, and there is no session to keep. */
const formTokenOf = (key: string) => createHmac('sha256', key).update('answerline console form').digest('base64url')

/** @returns the key; for Basic the request is rewritten to what the API's authentication reads */
function keyOf(request: FastifyRequest): string | undefined {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ', 2)
  if (value === '') return undefined
  if (scheme.toLowerCase() === 'bearer') return value
  if (scheme.toLowerCase() !== 'basic') return undefined
  const credentials = Buffer.from(value, 'base64').toString('utf8')
  const colon = credentials.indexOf(':')
  const key = credentials.slice(colon + 1)
  // Anything else than visible ASCII is no key and must not become part of a header.
  if (colon < 0 || !/^[\x21-\x7e]+$/.test(key)) return undefined
  request.headers.authorization = `Bearer ${key}`
  const tenantId = credentials.slice(0, colon).split('@')[1]
  if (tenantId && TENANT_ID.test(tenantId)) request.headers['x-tenant-id'] ??= tenantId
  return key
}

/** Browsers send Basic credentials along with forms of other sites, too, but say so (Fetch Metadata). */
function isCrossSite(request: FastifyRequest): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return false
  const site = request.headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}
