/** The time and the dice, as arguments: a test decides both. */
export interface Clock {
  now(): Date
  /** A number in [0, 1). */
  random(): number
}
