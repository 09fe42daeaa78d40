import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAesGcmSealer, keyIdOf } from '#shared/adapters/sealing/sealer.aes-gcm.ts'
import { KeyMissing, SealBroken } from '#shared/domain/sealed.ts'
import type { Place } from '#shared/ports/sealer.ts'

const [OLD, NEW] = [randomBytes(32), randomBytes(32)]
const PLACE: Place = ['acme', 'reply', 'run_1']
const sealer = createAesGcmSealer([OLD])

describe('a sealed text', () => {
  test('opens to what it was, whatever it was, and shows nothing of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const sealed = sealer.seal(text.toWellFormed(), PLACE)
        expect(sealed).toMatch(/^sealed\.v1\.[0-9a-f]{8}\.[A-Za-z0-9+/]+=*$/)
        expect(sealer.open(sealed, PLACE)).toBe(text.toWellFormed())
      }),
      { numRuns: 200 },
    )
    expect(sealer.seal('margaret@example.com', PLACE)).not.toContain('margaret')
  })

  test('is another one every time, so that equal texts cannot be told from each other', () => {
    expect(sealer.seal('yes', PLACE)).not.toBe(sealer.seal('yes', PLACE))
  })

  test('names its key, so that it opens after another one has taken over', () => {
    const sealed = sealer.seal('hello', PLACE)
    const both = createAesGcmSealer([NEW, OLD])
    expect(both.open(sealed, PLACE)).toBe('hello')
    expect(both.stateOf(sealed)).toBe('older')
    expect(both.stateOf(both.seal('hello', PLACE))).toBe('current')
    expect(both.seal('hello', PLACE)).toContain(keyIdOf(NEW))
  })

  test('does not open without its key, and says which one that is and what to do', () => {
    const open = () => createAesGcmSealer([NEW]).open(sealer.seal('hello', PLACE), PLACE)
    expect(open).toThrow(KeyMissing)
    expect(open).toThrow(new RegExp(`${keyIdOf(OLD)}.*${keyIdOf(NEW)}.*add that key to PII_KEYS`))
    expect(() => createAesGcmSealer([]).open(sealer.seal('hello', PLACE), PLACE)).toThrow('no key is configured')
  })

  test('opens nowhere but where it was sealed for: not for another tenant, run or field', () => {
    const sealed = sealer.seal('hello', PLACE)
    for (const place of [
      ['other', 'reply', 'run_1'],
      ['acme', 'fact', 'run_1'],
      ['acme', 'reply', 'run_2'],
      ['acme', 'reply'],
    ] as Place[])
      expect(() => sealer.open(sealed, place)).toThrow(SealBroken)
  })

  test('does not open when a single character was changed, or a part is missing', () => {
    const sealed = sealer.seal('hello, this is a reply', PLACE)
    const start = sealed.lastIndexOf('.') + 1
    for (let at = start; at < sealed.length - 4; at++) {
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
      expect(() => sealer.open(changed, PLACE)).toThrow(SealBroken)
    }
    for (const length of [0, 4, 12, 36]) expect(() => sealer.open(sealed.slice(0, start + length), PLACE)).toThrow(SealBroken)
  })
})

describe('a text that was never sealed', () => {
  test('is given back as it is, also when it begins like one that was', () => {
    for (const text of [
      '',
      'hello',
      'sealed.v1.',
      'sealed.v1.abcdef01',
      'sealed.v1.abcdef01.not base64!',
      'SEALED.v1.abcdef01.AAAA',
    ]) {
      expect(sealer.open(text, PLACE)).toBe(text)
      expect(sealer.stateOf(text)).toBe('unsealed')
    }
  })

  test('without keys comes back from the store as it went in, even when it pretends to be sealed', () => {
    const none = createAesGcmSealer([])
    expect(none.seals).toBe(false)
    for (const text of ['', 'hello', 'sealed.v1.abcdef01.AAAA', sealer.seal('x', PLACE)]) {
      expect(none.open(none.seal(text, PLACE), PLACE)).toBe(text)
      expect(none.stateOf(none.seal(text, PLACE))).toBe('unsealed')
    }
    expect(sealer.open(none.seal('sealed.v1.abcdef01.AAAA', PLACE), PLACE)).toBe('sealed.v1.abcdef01.AAAA')
  })
})
