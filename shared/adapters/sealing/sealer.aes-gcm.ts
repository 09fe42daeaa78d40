import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomFillSync,
} from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { KeyMissing, SealBroken } from '#shared/domain/sealed.ts'
import type { Place, Sealer } from '#shared/ports/sealer.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const MAX_TENANT_KEYS = 2_000
/** Names no key: text that merely looks like an envelope, kept where no key is configured. */
const NO_KEY = '00000000'
const PREFIX = 'sealed.v1.'
const CONTENT_AT = PREFIX.length + NO_KEY.length + 1
/** So many are drawn at a time: a draw costs as much as half an encryption. */
const NONCES = 512

/**
 * AES-256-GCM (NIST SP 800-38D) under a key per tenant, which is derived from the configured one (HKDF, RFC 5869); the place is
 * additional authenticated data. An envelope is `sealed.v1.<key id>.<base64 of nonce, tag and ciphertext>`. Nonces are random, so
 * a configured key must seal less than 2^32 texts per tenant.
 * @param keys 32 bytes each; the first seals, all open
 */
export function createAesGcmSealer(keys: readonly Buffer[]): Sealer {
  const ring = new Map(keys.map((key) => [keyIdOf(key), tenantKeys(key)]))
  const current = keys.length === 0 ? undefined : keyIdOf(keys[0]!)
  return {
    seals: current !== undefined,
    seal(text, place) {
      if (current !== undefined) return envelope(current, encrypt(ring.get(current)!(place[0]), text, place))
      return readEnvelope(text) ? envelope(NO_KEY, Buffer.from(text)) : text
    },
    open(stored, place) {
      const read = readEnvelope(stored)
      if (!read) return stored
      const { keyId, bytes } = read
      if (keyId === NO_KEY) return bytes.toString('utf8')
      const keyOf = ring.get(keyId)
      if (!keyOf) throw new KeyMissing(keyId, [...ring.keys()])
      return decrypt(keyOf(place[0]), bytes, place)
    },
    stateOf(stored) {
      const keyId = readEnvelope(stored)?.keyId
      if (keyId === undefined || keyId === NO_KEY) return 'unsealed'
      return keyId === current ? 'current' : 'older'
    },
  }
}

/** Tells keys apart in envelopes, messages and logs; says nothing about the key. */
export const keyIdOf = (key: Buffer): string =>
  createHash('sha256').update('answerline key id').update(key).digest('hex').slice(0, 8)

const envelope = (keyId: string, content: Buffer) => `${PREFIX}${keyId}.${content.toString('base64')}`

/** @returns undefined for what is no envelope, however it begins */
function readEnvelope(stored: string): { readonly keyId: string; readonly bytes: Buffer } | undefined {
  if (!stored.startsWith(PREFIX) || stored[CONTENT_AT - 1] !== '.') return undefined
  const keyId = stored.slice(PREFIX.length, CONTENT_AT - 1)
  if (!/^[0-9a-f]{8}$/.test(keyId)) return undefined
  const content = stored.slice(CONTENT_AT)
  const bytes = Buffer.from(content, 'base64')
  // Decoding passes over what is not base64, and so comes out shorter.
  const padding = content.endsWith('==') ? 2 : content.endsWith('=') ? 1 : 0
  return content.length % 4 === 0 && bytes.length === (content.length / 4) * 3 - padding ? { keyId, bytes } : undefined
}

/** Bounds what one key seals, and no tenant's key opens another's data. */
function tenantKeys(key: Buffer): (tenantId: string) => KeyObject {
  const derived = new LRUCache<string, KeyObject>({ max: MAX_TENANT_KEYS })
  return (tenantId) => {
    const held = derived.get(tenantId)
    if (held) return held
    const fresh = createSecretKey(Buffer.from(hkdfSync('sha256', key, tenantId, 'answerline personal data v1', 32)))
    derived.set(tenantId, fresh)
    return fresh
  }
}

const authenticated = (place: Place) => Buffer.from(JSON.stringify(place))

const nonces = Buffer.alloc(NONCE_BYTES * NONCES)
let nonceAt = nonces.length
function nextNonce(): Buffer {
  if (nonceAt === nonces.length) {
    randomFillSync(nonces)
    nonceAt = 0
  }
  nonceAt += NONCE_BYTES
  return nonces.subarray(nonceAt - NONCE_BYTES, nonceAt)
}

function encrypt(key: KeyObject, text: string, place: Place): Buffer {
  const nonce = nextNonce()
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(authenticated(place))
  const sealed = cipher.update(text, 'utf8')
  cipher.final()
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed])
}

function decrypt(key: KeyObject, bytes: Buffer, place: Place): string {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    decipher.setAAD(authenticated(place))
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
    const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES))
    decipher.final()
    return text.toString('utf8')
  } catch {
    throw new SealBroken(place.slice(1).join(' '))
  }
}
