import { createHash } from 'node:crypto'

/** What an identifier belongs to; the prefix makes an id readable in a log line and keeps BullMQ's rule that a job id is not all digits. */
export type IdKind =
  | 'tkt'
  | 'run'
  | 'doc'
  | 'esc'
  | 'dl'
  | 'msg'
  | 'key'
  | 'cnv'
  | 'whk'
  | 'req'
  | 'call'
  | 'fbk'
  | 'bat'
  | 'brq'
  | 'obs'
  | 'set'
  | 'sch'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * A sortable id such as `run_01jd3k…`: 10 characters of milliseconds since 1970 and 16 random ones (Crockford base 32, as in
 * the ULID specification), so that ids made later sort later and indexes stay compact.
 * @param random source of numbers in [0, 1)
 */
export function newId(kind: IdKind, now: Date, random: () => number): string {
  let time = now.getTime()
  let stamp = ''
  for (let i = 0; i < 10; i++) {
    stamp = ALPHABET[time % 32]! + stamp
    time = Math.floor(time / 32)
  }
  let tail = ''
  for (let i = 0; i < 16; i++) tail += ALPHABET[Math.floor(random() * 32)]!
  return `${kind}_${stamp}${tail}`
}

/** The same name always gets the same id: the natural key of an effect that may be repeated. */
export function derivedId(kind: IdKind, ...name: readonly string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(name)).digest()
  let tail = ''
  for (let i = 0; i < 26; i++) tail += ALPHABET[digest[i]! % 32]!
  return `${kind}_${tail}`
}
