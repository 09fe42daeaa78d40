/** Where a sealed text stands: whose it is, what it is, and in which row. It opens nowhere else. */
export type Place = readonly [tenantId: string, kind: string, ...row: string[]]

/** Whether a stored text is sealed: with the key that seals now, with another one, or not at all. */
export type SealState = 'current' | 'older' | 'unsealed'

/** Keeps personal data unreadable to whoever holds the database without the key (docs/decisions/0044-encryption-at-rest.md). */
export interface Sealer {
  /** False where no key is configured: then `seal` gives back what it gets. */
  readonly seals: boolean
  seal(text: string, place: Place): string
  /**
   * What was never sealed is given back as it is.
   * @throws KeyMissing when the key that sealed it is not at hand
   * @throws SealBroken when it was changed, or stands elsewhere than where it was sealed for
   */
  open(stored: string, place: Place): string
  stateOf(stored: string): SealState
}
