/** What was typed cannot be meant: the message says what can, and the command ends with 2. */
export class WrongUsage extends Error {
  override readonly name = 'WrongUsage'
}

/** @throws WrongUsage */
export function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new WrongUsage(`${option} must be a whole number from 1 on, not "${text}"`)
  return value
}
