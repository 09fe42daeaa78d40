import { contextBefore, luhnIsValid, type PiiSpan } from './pii-patterns.ts'

/*
 * Numbers that a state gives a person. A form with a checksum speaks for itself where chance seldom meets it; bare digits need their
 * name before them. All patterns are of bounded length behind a look-behind, so they are linear.
 */

const DNI_LETTERS = 'TRWAGMYFPDXBNJZSQVHLCKE'
const digitsOf = (text: string) => text.replace(/\D/g, '')
const weighted = (digits: string, weights: readonly number[]) =>
  weights.reduce((sum, weight, at) => sum + weight * Number(digits[at]), 0)
const from = (first: number, count: number) => Array.from({ length: count }, (_, at) => first - at)

/** Spain, DNI and NIE: the letter is the number modulo 23. */
export function dniIsValid(id: string): boolean {
  const plain = id.toUpperCase().replace(/[ .-]/g, '')
  return DNI_LETTERS[Number(plain.slice(0, -1).replace('X', '0').replace('Y', '1').replace('Z', '2')) % 23] === plain.at(-1)
}

/** Brazil, CPF: two check digits modulo 11. */
export function cpfIsValid(id: string): boolean {
  const digits = digitsOf(id)
  const check = (length: number) => ((weighted(digits, from(length + 1, length)) * 10) % 11) % 10
  return digits.length === 11 && !/^(\d)\1+$/.test(digits) && check(9) === Number(digits[9]) && check(10) === Number(digits[10])
}

/** France, NIR: the last two digits are 97 less the rest modulo 97; Corsica's letters count as 19 and 18. */
export function nirIsValid(id: string): boolean {
  const plain = id.toUpperCase().replace(/\s/g, '').replace('2A', '19').replace('2B', '18')
  return /^[12]\d{14}$/.test(plain) && 97 - Number(BigInt(plain.slice(0, 13)) % 97n) === Number(plain.slice(13))
}

/** Germany, tax id: ISO 7064 mod 11,10. */
export function taxIdIsValid(id: string): boolean {
  const digits = digitsOf(id)
  if (digits.length !== 11 || digits.startsWith('0')) return false
  let product = 10
  for (const digit of digits.slice(0, 10)) product = (((Number(digit) + product) % 10 || 10) * 2) % 11
  return (11 - product) % 10 === Number(digits[10])
}

/** Netherlands, BSN: the eleven test. */
export const bsnIsValid = (id: string) =>
  digitsOf(id).length === 9 && weighted(digitsOf(id), [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0

/** Poland, PESEL. */
export const peselIsValid = (id: string) =>
  digitsOf(id).length === 11 && weighted(digitsOf(id), [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0

/** Italy, codice fiscale: odd places count by a table of their own. */
export function fiscalCodeIsValid(id: string): boolean {
  const odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
  const numberOf = (sign: string) => (/\d/.test(sign) ? Number(sign) : sign.charCodeAt(0) - 65)
  const sum = [...id.toUpperCase().slice(0, 15)].reduce(
    (total, sign, at) => total + (at % 2 === 0 ? odd[numberOf(sign)]! : numberOf(sign)),
    0,
  )
  return String.fromCharCode(65 + (sum % 26)) === id.toUpperCase().at(-1)
}

type Form = { readonly pattern: RegExp; readonly isValid: (id: string) => boolean; readonly cue?: RegExp }
const FORMS: readonly Form[] = [
  { pattern: /(?<![\p{L}\p{N}-])(?:\d{8}|[XYZ]\d{7})[ -]?[A-HJ-NP-TV-Z](?![\p{L}\p{N}-])/giu, isValid: dniIsValid },
  { pattern: /(?<![\p{L}\p{N}.-])\d{3}\.\d{3}\.\d{3}-\d{2}(?![\p{L}\p{N}-])/gu, isValid: cpfIsValid },
  {
    pattern: /(?<![\p{L}\p{N}])[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-4]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d(?![\p{L}\p{N}])/giu,
    isValid: nirIsValid,
  },
  { pattern: /(?<![\p{L}\p{N}])[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z](?![\p{L}\p{N}])/giu, isValid: fiscalCodeIsValid },
  {
    pattern: /(?<![\p{L}\p{N}])[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D](?![\p{L}\p{N}])/gu,
    isValid: () => true,
  },
  {
    pattern: /(?<![\p{L}\p{N}-])\d\d ?\d{3} ?\d{3} ?\d{3}(?![\p{L}\p{N}-])/gu,
    isValid: taxIdIsValid,
    cue: /(?:steuer[- ]?(?:id|ident\p{L}*|nummer|identifikationsnummer)|idnr|tax ?id)[^\n]{0,16}$/iu,
  },
  {
    pattern: /(?<![\p{L}\p{N}-])\d{9}(?![\p{L}\p{N}-])/gu,
    isValid: bsnIsValid,
    cue: /(?:bsn|burgerservicenummer|sofinummer)[^\n]{0,16}$/i,
  },
  {
    pattern: /(?<![\p{L}\p{N}-])\d{11}(?![\p{L}\p{N}-])/gu,
    isValid: (id) => peselIsValid(id) || cpfIsValid(id),
    cue: /(?:pesel|cpf)[^\n]{0,16}$/i,
  },
  {
    pattern: /(?<![\p{L}\p{N}-])(?:19|20)?\d{6}[-+ ]?\d{4}(?![\p{L}\p{N}-])/gu,
    isValid: (id) => luhnIsValid(digitsOf(id).slice(-10)),
    cue: /(?:personnummer|personal identity number)[^\n]{0,16}$/i,
  },
]

export function* nationalIds(text: string): Generator<PiiSpan> {
  for (const { pattern, isValid, cue } of FORMS)
    for (const match of text.matchAll(pattern))
      if (isValid(match[0]) && (!cue || cue.test(contextBefore(text, match.index))))
        yield { type: 'NATIONAL_ID', start: match.index, end: match.index + match[0].length }
}

const LICENCE =
  /(?<!\p{L})(?:(?:driver['’]?s?['’]?|driving) ?licen[cs]e|(?:my |his |her |cdl|dl)(?:dl)?(?= ?(?:#|no|number|num|is|:))|führerschein(?:nummer)?|permis de conduire|(?:licencia|permiso|carnet) de conducir)(?: ?(?:number|num|no|nr|nummer|id|#|n°))?\.?[^\p{L}\p{N}\n]{0,4}(?:(?:is|was|ist|est|es|number)[ :]{1,3})?(?<value>[A-Z]{0,3}[ -]?\d[A-Z\d]{0,9}(?:[ -][A-Z]?\d[A-Z\d]{0,7}){0,5})(?![\p{L}\p{N}])/giu

/** Driver licences have a form of their own in every state, so only what is called one counts. */
export function* driverLicences(text: string): Generator<PiiSpan> {
  for (const match of text.matchAll(LICENCE)) {
    const value = match.groups!.value!.trim()
    if (digitsOf(value).length < 5) continue
    const end = match.index + match[0].length
    yield { type: 'DRIVER_LICENCE', start: end - value.length, end }
  }
}
