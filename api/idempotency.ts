import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from './app.ts'
import { maySeeRaw } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { conflict, Problem } from './problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The claim this request holds, until its response is known. */
    claimedKey?: string
  }
  interface FastifyContextConfig {
    /** `own`: the route keeps keys itself, in the statement of its effect. `sealed`: the response holds a secret. */
    idempotency?: 'own' | 'sealed'
  }
}

/** A response as it is kept: text, because `jsonb` would reorder an object and the replay is to be the same bytes. */
export type KeptResponse = { readonly status: number; readonly body: string }

/** Printable, or Latin-1 text: what an HTTP header can carry. */
const KEY = /^[\x20-\x7e\x80-\xff]{1,255}$/

/** @throws Problem 400 when there is a key and it is no good */
export function idempotencyKey(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && KEY.test(key)) return key
  throw new Problem(400, 'invalid-idempotency-key', 'Idempotency-Key must hold 1 to 255 characters')
}

export const keyReused = () =>
  new Problem(422, 'idempotency-key-reused', 'this Idempotency-Key was used before with another request; choose a new one')
export const keyInFlight = () =>
  new Problem(409, 'idempotency-key-in-flight', 'the first request with this Idempotency-Key is still being worked on', {
    retryAfterSeconds: 1,
  })

/** SHA-256 over the body with the keys of its objects in order, so that a client may write them in any. */
export const bodyHash = (body: unknown): string => hash('sha256', canonical(body) ?? '', 'base64url')

function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}

export function replay(reply: FastifyReply, kept: KeptResponse): FastifyReply {
  return reply
    .code(kept.status)
    .header('idempotency-replayed', 'true')
    .header('content-type', 'application/json; charset=utf-8')
    .send(kept.body)
}

type KeyDeps = Pick<ApiDeps, 'idempotency' | 'clock' | 'log'>

/** Before the handler: the first request with a key claims it, a repeat is answered here. */
export const claimKey = (deps: KeyDeps) => async (request: FastifyRequest, reply: FastifyReply) => {
  const key = idempotencyKey(request)
  if (key === undefined) return
  const { tenant } = request.caller
  const route = routeOf(request)
  const claim = await deps.idempotency.claim(tenant.id, key, route, bodyHash(request.body), deps.clock.now())
  if (claim.kind === 'mismatch') throw keyReused()
  if (claim.kind === 'in-flight') throw keyInFlight()
  if (claim.kind === 'first') {
    request.claimedKey = key
    return
  }
  const kept = claim.response as KeptResponse
  return replay(reply, isSealed(request) ? { ...kept, body: open(kept.body, request, key) } : kept)
}

/** What was made for those who may see everything is not replayed to others, whatever key they name. */
const routeOf = ({ method, url, caller }: FastifyRequest) =>
  `${method} ${url.split('?', 1)[0]}${maySeeRaw(caller.roles) ? '' : ' masked'}`

/**
 * With the response in hand: what had an effect is kept for the repeat; a refusal had none, so the key is free again and the
 * client may try once more when the reason is gone.
 */
export const settleKey = (deps: KeyDeps) => async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
  const key = request.claimedKey
  if (key === undefined) return payload
  delete request.claimedKey
  const { id } = request.caller.tenant
  try {
    const body = typeof payload === 'string' ? payload : ''
    if (reply.statusCode >= 400) await deps.idempotency.release(id, key)
    else
      await deps.idempotency.settle(id, key, {
        status: reply.statusCode,
        body: isSealed(request) ? seal(body, request, key) : body,
      })
  } catch (error) {
    // The effect stands; a repeat finds the claim open and, once that is old, repeats an effect that is safe to repeat.
    deps.log.warn({ requestId: request.id, err: error }, 'the response could not be kept for its idempotency key')
  }
  return payload
}

const KEPT_MS = 24 * 3_600_000

/** Clears old keys away from time to time, so that the table ends somewhere; every process may, the work is done once. */
export function forgetOldKeys(app: App, deps: KeyDeps, everyMs: number): void {
  const forget = async () => {
    try {
      await deps.idempotency.forgetBefore(new Date(deps.clock.now().getTime() - KEPT_MS))
    } catch (err) {
      deps.log.warn({ err }, 'old idempotency keys were not cleared away; the next round will')
    }
  }
  let timer: NodeJS.Timeout | undefined
  app.addHook('onReady', async () => {
    timer = setInterval(() => void forget(), everyMs).unref()
  })
  app.addHook('onClose', async () => clearInterval(timer))
}

const isSealed = (request: FastifyRequest) => request.routeOptions.config.idempotency === 'sealed'

/**
 * A response with a secret (a new API key, shown once) is kept under a key that only the caller's own credential yields
 * (HKDF, then AES-256-GCM): the same caller gets the same bytes again, and the table gives nothing away.
 */
function sealingKey(request: FastifyRequest, key: string): Buffer {
  return Buffer.from(hkdfSync('sha256', request.headers.authorization ?? '', request.caller.tenant.id, `idempotency ${key}`, 32))
}

function seal(body: string, request: FastifyRequest, key: string): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', sealingKey(request, key), iv)
  const sealed = Buffer.concat([cipher.update(body, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
}

function open(sealed: string, request: FastifyRequest, key: string): string {
  const bytes = Buffer.from(sealed, 'base64url')
  try {
    const decipher = createDecipheriv('aes-256-gcm', sealingKey(request, key), bytes.subarray(0, 12))
    decipher.setAuthTag(bytes.subarray(12, 28))
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
  } catch {
    throw conflict('idempotency-key-of-another-caller', 'this Idempotency-Key was used by the holder of another API key')
  }
}
