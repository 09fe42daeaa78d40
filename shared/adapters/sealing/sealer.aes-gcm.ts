import { createCipheriv, createDecipheriv, createHash, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { KeyMissing, SealBroken } from '#shared/domain/sealed.ts'
import type { Place, Sealer } from '#shared/ports/sealer.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const MAX_TENANT_KEYS = 2_000
/** Names no key: text that merely looks like an envelope, kept where no key is configured. */
const NO_KEY = '00000000'
const ENVELOPE = /^sealed\.v1\.([0-9a-f]{8})\.([A-Za-z0-9+/]*={0,2})$/

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
      return ENVELOPE.test(text) ? envelope(NO_KEY, Buffer.from(text)) : text
    },
    open(stored, place) {
      // A long text is looked at as a whole only if it begins like an envelope.
      const [, keyId, content] = stored.startsWith('sealed.v1.') ? (ENVELOPE.exec(stored) ?? []) : []
      if (keyId === undefined) return stored
      const bytes = Buffer.from(content!, 'base64')
      if (keyId === NO_KEY) return bytes.toString('utf8')
      const keyOf = ring.get(keyId)
      if (!keyOf) throw new KeyMissing(keyId, [...ring.keys()])
      return decrypt(keyOf(place[0]), bytes, place)
    },
    stateOf(stored) {
      const keyId = ENVELOPE.exec(stored)?.[1]
      if (keyId === undefined || keyId === NO_KEY) return 'unsealed'
      return keyId === current ? 'current' : 'older'
    },
  }
}

/** Tells keys apart in envelopes, messages and logs; says nothing about the key. */
export const keyIdOf = (key: Buffer): string =>
  createHash('sha256').update('answerline key id').update(key).digest('hex').slice(0, 8)

const envelope = (keyId: string, content: Buffer) => `sealed.v1.${keyId}.${content.toString('base64')}`

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

function encrypt(key: KeyObject, text: string, place: Place): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
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
