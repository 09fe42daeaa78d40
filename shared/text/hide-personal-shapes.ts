/**
 * A safety net for log lines and operators' pages, not the PII masker of the pipeline: it replaces what has the shape of an
 * e-mail address or of a payment card number (13 to 19 digits with a right check digit, ISO/IEC 7812-1) wherever it turns up.
 * Linear: no run of characters is looked at more than 64 times.
 */
export function hidePersonalShapes(text: string): string {
  const withoutMail = text.includes('@') ? text.replace(EMAIL, '[email]') : text
  return withoutMail.replace(DIGITS, (run) => (hasCardNumber(run) ? '[card]' : run))
}

const EMAIL = /[\p{L}\p{N}._%+'-]{1,64}@[\p{L}\p{N}.-]{1,253}/gu
/** Digits with single blanks or hyphens between them; inside an identifier they are no card number. */
const DIGITS = /(?<![\p{L}\p{N}_])\d(?:[ -]?\d){12,18}(?![\p{L}\p{N}_])/gu

function hasCardNumber(run: string): boolean {
  let sum = 0
  let double = false
  for (let i = run.length - 1; i >= 0; i--) {
    const digit = run.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) continue
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
    double = !double
  }
  return sum % 10 === 0
}
