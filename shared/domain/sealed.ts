/** The key that sealed this text is not configured: nothing is wrong with the text, and whoever has the key can read it. */
export class KeyMissing extends Error {
  readonly keyId: string
  constructor(keyId: string, known: readonly string[]) {
    const have = known.length === 0 ? 'no key is configured' : `configured are ${known.join(', ')}`
    super(
      `this was sealed with the key ${keyId}, and ${have}: add that key to PII_KEYS (behind the first, which seals) and start again`,
    )
    this.name = 'KeyMissing'
    this.keyId = keyId
  }
}

/** The key is at hand and does not open it: the text was changed, or moved from another row. */
export class SealBroken extends Error {
  constructor(place: string) {
    super(`what is sealed at ${place} was changed or does not belong there`)
    this.name = 'SealBroken'
  }
}
