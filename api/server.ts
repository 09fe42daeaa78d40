import fastifySwagger from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyInstance } from 'fastify'
import { jsonSchemaTransform, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type * as z from 'zod'
import { newId } from '#shared/domain/id.ts'
import type { App } from './app.ts'
import { authenticate, authorize, identifier } from './auth.ts'
import { type ApiDeps, type ApiLimits, DEFAULT_LIMITS } from './deps.ts'
import { answerBrokenHttp, answerUnknownRoutes, handleError } from './error-handling.ts'
import { claimKey, forgetOldKeys, settleKey } from './idempotency.ts'
import { parseJsonBody } from './json-body.ts'
import { fieldErrors, invalid, notFound, overloaded } from './problem.ts'
import { redriver } from './redrive.ts'
import { healthRoutes } from './routes/health.ts'
import { providerWebhookRoutes } from './routes/provider-webhooks.ts'
import { v1Routes } from './routes.ts'

const REQUEST_ID = /^[A-Za-z0-9._-]{8,128}$/

/**
 * The HTTP front door, not listening yet. Errors are problem documents, every route below `/v1` is authenticated and names the
 * roles that open it, and every POST there keeps idempotency keys: a route cannot forget these, it fails at start.
 */
export function createApi(deps: ApiDeps): FastifyInstance {
  const limits: ApiLimits = { ...DEFAULT_LIMITS, ...deps.limits }
  const { clock } = deps
  const app = Fastify({
    logger: false,
    bodyLimit: limits.maxBodyBytes,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // A bulk upload may go on for long at its tenant's pace; a connection that is silent this long is gone.
    connectionTimeout: 120_000,
    routerOptions: { maxParamLength: 300 },
    requestIdHeader: false,
    genReqId: (request) => {
      const given = request.headers['x-request-id']
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : newId('req', clock.now(), () => clock.random())
    },
    clientErrorHandler: answerBrokenHttp(clock),
    frameworkErrors: (error, request, reply) => void handleError(deps)(error, request, reply.header('x-request-id', request.id)),
  }).withTypeProvider<ZodTypeProvider>()

  readBodies(app)
  observe(app, deps)
  app.setErrorHandler(handleError(deps))
  answerUnknownRoutes(app)
  document(app)
  forgetOldKeys(app, deps, limits.forgetKeysEveryMs)
  app.register(async (scope) => healthRoutes(scope, deps))
  app.register(async (scope) => providerWebhookRoutes(scope, deps))
  app.register(
    async (scope) => {
      guard(scope, deps)
      await v1Routes(scope, { deps, limits })
    },
    { prefix: '/v1' },
  )
  if (deps.mounts) {
    const { mounts } = deps
    const doors = { identify: identifier(deps), redrive: redriver(deps) }
    app.register(async (scope) => mounts(scope, doors))
  }
  return app as unknown as FastifyInstance
}

/** Bodies are parsed by our own parser, everything is checked by zod, and what we send is our own, so it is not checked again. */
function readBodies(app: App): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(body as Buffer))
    } catch (error) {
      done(error as Error)
    }
  })
  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => (data) => {
    const result = schema.safeParse(data)
    if (result.success) return { value: result.data }
    // A name that cannot be one names nothing.
    return { error: httpPart === 'params' ? notFound('resource') : invalid(fieldErrors(result.error.issues)) }
  })
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
}

/** Answers are data: a browser is to neither guess another type, nor keep them. Pages below set their own. */
const SECURITY_HEADERS = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }

function observe(app: App, { telemetry, log }: ApiDeps): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-request-id': request.id, ...SECURITY_HEADERS })
    if (!closing) return
    reply.header('connection', 'close')
    throw overloaded('this process is stopping; another one will answer', 1)
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unmatched'
    telemetry.httpServed({ method: request.method, route, status: reply.statusCode, seconds: reply.elapsedTime / 1_000 })
    log.debug({ requestId: request.id, method: request.method, route, status: reply.statusCode, ms: reply.elapsedTime }, 'served')
  })
}

function document(app: App): void {
  app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Answerline', version: '1', description: 'Support tickets and documents in, verified answers out.' },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      security: [{ key: [] }],
    },
    transform: jsonSchemaTransform,
  })
  app.register(fastifySwaggerUi, { routePrefix: '/docs', staticCSP: true })
}

function guard(scope: App, deps: ApiDeps): void {
  const claim = claimKey(deps)
  const settle = settleKey(deps)
  scope.decorateRequest('caller', null as never)
  scope.addHook('onRequest', async (request) => {
    request.caller = await authenticate(request, deps)
    authorize(request.caller, request.routeOptions.config.roles ?? [])
  })
  scope.addHook('onRoute', (route) => {
    if (!route.config?.roles) throw new TypeError(`${String(route.method)} ${route.url} names no roles`)
    if (route.method !== 'POST' || route.config.idempotency === 'own') return
    route.preHandler = [claim, ...[route.preHandler ?? []].flat()]
    route.onSend = [settle, ...[route.onSend ?? []].flat()]
  })
}
