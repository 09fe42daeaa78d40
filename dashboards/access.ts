import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Role, TENANT_ID } from '#shared/domain/tenant.ts'
import type { DashboardDeps, Viewer } from './deps.ts'
import { sendProblem } from './problem.ts'

type Access = { readonly viewer: Viewer; readonly formToken: string }
const accesses = new WeakMap<FastifyRequest, Access>()

/**
 * A Fastify `onRequest` hook: lets in holders of an API key with one of these roles. Browsers cannot send Bearer, so the key may
 * also come as the password of HTTP Basic; the user name is free, and `name@tenant` names the tenant for a key that serves several.
 */
export function admit(deps: Pick<DashboardDeps, 'identify'>, roles: readonly Role[]) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const credentials = credentialsOf(request)
    const viewer = credentials && (await identify(deps, request, credentials))
    if (!credentials || !viewer) {
      reply.header('www-authenticate', 'Basic realm="Answerline: any user name, an API key as password", charset="UTF-8"')
      return sendProblem(reply, 401, 'unauthenticated', 'Send an API key: as Bearer token, or as the password of HTTP Basic.')
    }
    if (!hasRole(viewer, roles))
      return sendProblem(reply, 403, 'forbidden', `This page needs one of the roles ${roles.join(', ')}.`)
    if (isCrossSite(request))
      return sendProblem(reply, 403, 'cross-site-request', 'A change must come from the console’s own pages.')
    accesses.set(request, { viewer, formToken: formTokenOf(credentials.key) })
  }
}

export const hasRole = (viewer: Viewer, roles: readonly Role[]) => roles.some((role) => viewer.roles.has(role))

export function viewerOf(request: FastifyRequest): Viewer {
  return accessOf(request).viewer
}

/** For pages that tell of a failure: nobody is known where asking who looks is what failed. */
export const knownViewer = (request: FastifyRequest): Viewer | undefined => accesses.get(request)?.viewer

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

type Credentials = { readonly key: string; readonly userTenantId?: string }

async function identify(deps: Pick<DashboardDeps, 'identify'>, request: FastifyRequest, { key, userTenantId }: Credentials) {
  const named = request.headers['x-tenant-id']
  if (typeof named === 'string') return deps.identify(key, named)
  // A user name may be an e-mail address by chance: what names no tenant of this key names none.
  return (userTenantId && (await deps.identify(key, userTenantId))) || deps.identify(key)
}

function credentialsOf(request: FastifyRequest): Credentials | undefined {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ', 2)
  if (scheme.toLowerCase() === 'bearer') return isKey(value) ? { key: value } : undefined
  if (scheme.toLowerCase() !== 'basic') return undefined
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  const key = pair.slice(colon + 1)
  if (colon < 0 || !isKey(key)) return undefined
  const userTenantId = pair.slice(0, colon).split('@')[1]
  return userTenantId && TENANT_ID.test(userTenantId) ? { key, userTenantId } : { key }
}

const isKey = (value: string) => /^[\x21-\x7e]{1,512}$/.test(value)

/** Browsers send Basic credentials along with forms of other sites, too, but say so (Fetch Metadata). */
function isCrossSite(request: FastifyRequest): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return false
  const site = request.headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}
