import { isIPv6 } from 'node:net'

/** Where personal data stands in a text, in UTF-16 units, end exclusive. */
export type PiiSpan = { type: PiiType; start: number; end: number }
export type PiiType =
  | 'SECRET'
  | 'URL'
  | 'EMAIL'
  | 'IBAN'
  | 'CARD'
  | 'SSN'
  | 'DATE_OF_BIRTH'
  | 'PHONE'
  | 'IP'
  | 'MAC'
  | 'PERSON'
  | 'ADDRESS'
  | 'NATIONAL_ID'
  | 'DRIVER_LICENCE'
  | 'IDENTIFIER'
  | 'PLACE'
  | 'ORGANISATION'
  | 'DATE'
  | 'TITLE'
  | 'AGE'
  | 'NATIONALITY'
  | 'WEB'
  | 'LITERAL'

/*
 * Every pattern below is linear on hostile input: each repetition is bounded, or starts behind a look-behind and its parts are
 * disjoint, so there is one way to match. What needs arithmetic (checksums, lengths) is done in code on a short candidate.
 */

/** Words right before a number that say it is not personal but needed for the answer. */
const REFERENCE_CUE =
  /(?<!\p{L})(?:orders?|purchase|invoice|bill|ticket|case|ref|reference|account|acct|customer|client|tracking|shipment|parcel|serial|model|part|sku|product|item|transaction|booking|reservation|policy|license|licence|contract|id|(?:bestell|auftrag|rechnung|kunden|vertrags)\p{L}{0,15}|commande|facture|pedido|factura|fatura|encomenda|ordine|fattura|error|code|version)[\s:#.'"()_-]{0,4}(?:(?:is|number|no|nr|num|id|code|nummer|numéro|número|numero|n°)[\s:#.'"()_-]{0,4}){0,3}$/iu
export const isReference = (before: string) => REFERENCE_CUE.test(before)

export const contextBefore = (text: string, at: number, units = 40) => text.slice(Math.max(0, at - units), at)

function* matches(text: string, pattern: RegExp, type: PiiType): Generator<PiiSpan> {
  for (const match of text.matchAll(pattern)) yield { type, start: match.index, end: match.index + match[0].length }
}

const DOMAIN_AFTER_AT = /@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,6}\p{L}{2,24}/gu
const LOCAL_PART = /[\p{L}\p{N}.!#$%&'*+/=?^_{|}~-]/u
const SPELLED_OUT_EMAIL =
  /[\p{L}\p{N}._+-]{1,64} ?[([{] ?at ?[)\]}] ?[\p{L}\p{N}-]{1,63}(?: ?[([{] ?(?:dot|punkt|punto|ponto|point) ?[)\]}] ?|\.)\p{L}{2,24}/giu

/** Walks left from every `@`, so a local part of any length is taken whole. */
export function* emails(text: string): Generator<PiiSpan> {
  for (const match of text.matchAll(DOMAIN_AFTER_AT)) {
    let start = match.index
    while (start > 0 && LOCAL_PART.test(text[start - 1]!)) start -= 1
    while (start < match.index && /[.'/=!?{|]/.test(text[start]!)) start += 1
    if (start < match.index) yield { type: 'EMAIL', start, end: match.index + match[0].length }
  }
  yield* matches(text, SPELLED_OUT_EMAIL, 'EMAIL')
}

const URL_LIKE = /(?<![\p{L}\p{N}])[a-z][a-z0-9+-]{1,20}:\/\/[^\s<>"'`]+/giu
const USER_INFO = /^[a-z0-9+-]+:\/\/[^/?#@]{1,200}@/i
const SECRET_PARAMETER =
  /[?&#;](?:[a-z0-9]{1,20}[_-])?(?:token|key|apikey|sig|signature|secret|password|passwd|pwd|auth|code|session|sessionid|sid|jwt|otp|ticket|credential|nonce|hash)=[^&#\s]/i
const SECRET_SEGMENT = /\/(?=[\w-]{0,200}\d)(?=[\w-]{0,200}[a-z])[\w-]{32,200}(?=[/?#]|$)/i

/** Only addresses that let someone in: with user and password, a token, or a long random path. Others are often what the question is about. */
export function* secretUrls(text: string): Generator<PiiSpan> {
  for (const match of text.matchAll(URL_LIKE)) {
    const url = match[0].slice(0, 4_000)
    if (!USER_INFO.test(url) && !SECRET_PARAMETER.test(url) && !SECRET_SEGMENT.test(url)) continue
    let end = match.index + match[0].length
    while (/[.,;:!?)\]}]/.test(text[end - 1]!)) end -= 1
    yield { type: 'URL', start: match.index, end }
  }
}

/** ISO 7064 mod 97-10, as ISO 13616 uses it. */
export function ibanIsValid(iban: string): boolean {
  let remainder = 0
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
  }
  return remainder === 1
}

const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 ' +
    'GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 ' +
    'NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))] as const),
)
const IBAN_START = /(?<![\p{L}\p{N}])[A-Z]{2}\d{2}(?=[ -]?[A-Z0-9])/giu

/** What is called one and has its length is one with a typing error. */
const IBAN_CUE = /(?<!\p{L})iban[^\p{L}\n]{0,6}(?:is|lautet|ist|number|no|nr)?[^\p{L}\p{N}\n]{0,4}$/iu

export function* ibans(text: string): Generator<PiiSpan> {
  for (const match of text.matchAll(IBAN_START)) {
    const length = IBAN_LENGTHS.get(match[0].slice(0, 2).toUpperCase())
    if (length === undefined) continue
    const { value, end } = take(text, match.index, length)
    if (
      value.length === length &&
      !/[\p{L}\p{N}]/u.test(text[end] ?? '') &&
      (ibanIsValid(value.toUpperCase()) || IBAN_CUE.test(contextBefore(text, match.index)))
    )
      yield { type: 'IBAN', start: match.index, end }
  }
}

/** The next `length` letters and digits, single spaces and hyphens between them skipped. */
function take(text: string, start: number, length: number): { value: string; end: number } {
  let value = ''
  let at = start
  while (value.length < length && at < text.length) {
    if (/[A-Z0-9]/i.test(text[at]!)) value += text[at]
    else if (!/[ -]/.test(text[at]!) || !/[A-Z0-9]/i.test(text[at + 1] ?? '')) break
    at += 1
  }
  return { value, end: at }
}

/** Luhn, ISO/IEC 7812-1 annex B. */
export function luhnIsValid(digits: string): boolean {
  let sum = 0
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place])
    sum += place % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2
  }
  return sum % 10 === 0
}

/** Issuer ranges with the lengths they use: without them every tenth long order number would pass for a card. */
const ISSUERS =
  /^(?:4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|(?:6011|65\d\d|64[4-9]\d|62\d\d|81\d\d)\d{12,15}|3(?:0[0-5]|[689]\d)\d{11}|(?:2131|1800)\d{11}|35\d{14}|(?:50|5[6-8]|6\d)\d{10,17})$/
const CARD_CUE = /(?:card|karte|carte|tarjeta|cartão|carta|visa|mastercard|maestro|amex|credit|debit)[^\n]{0,24}$/i
const DIGIT_RUN = /(?<!\d)\d(?:[ -]?\d){11,}(?!\d)/g

export function* cards(text: string): Generator<PiiSpan> {
  for (const run of text.matchAll(DIGIT_RUN)) {
    const groups = [...run[0].matchAll(/\d+/g)].map((group) => ({ digits: group[0], start: run.index + group.index }))
    for (let first = 0; first < groups.length; first += 1) {
      const before = contextBefore(text, groups[first]!.start)
      const named = CARD_CUE.test(before)
      const span = named || !isReference(before) ? cardFrom(groups, first, named) : undefined
      if (span) yield span
    }
  }
}

/** The longest number that fits an issuer; for what is called a card the longest with a valid checksum will do. */
function cardFrom(groups: { digits: string; start: number }[], first: number, named: boolean): PiiSpan | undefined {
  let digits = ''
  let end = 0
  let endIfNamed = 0
  for (const group of groups.slice(first, first + 19)) {
    digits += group.digits
    if (digits.length > 19) break
    if (digits.length < 12 || !luhnIsValid(digits)) continue
    if (ISSUERS.test(digits)) end = group.start + group.digits.length
    else if (named) endIfNamed = group.start + group.digits.length
  }
  return end || endIfNamed ? { type: 'CARD', start: groups[first]!.start, end: end || endIfNamed } : undefined
}

const SSN = /(?<![\d-])(?!000|666|9)\d{3}([ -]?)(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])/g
const SSN_CUE = /(?:ssn|social security)[^\n]{0,24}$/i

/** US social security numbers: with hyphens they speak for themselves, otherwise only when they are named. */
export function* socialSecurityNumbers(text: string): Generator<PiiSpan> {
  for (const match of text.matchAll(SSN)) {
    const before = contextBefore(text, match.index)
    if (match[1] === '-' ? !isReference(before) || SSN_CUE.test(before) : SSN_CUE.test(before))
      yield { type: 'SSN', start: match.index, end: match.index + match[0].length }
  }
}

const IP_V4 = /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\d|\.\d)/g
const VERSION_CUE = /(?:version|firmware|build|release|update|driver|\bv)[\s:.-]{0,3}$/i
const IP_V6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{1,4}|)(?![\w:])/gi
const MAC = /(?<![\w:-])[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![\w:-])/gi

export function* networkAddresses(text: string): Generator<PiiSpan> {
  for (const span of matches(text, IP_V4, 'IP')) if (!VERSION_CUE.test(contextBefore(text, span.start))) yield span
  for (const span of matches(text, IP_V6, 'IP'))
    if (span.end - span.start > 5 && isIPv6(text.slice(span.start, span.end))) yield span
  yield* matches(text, MAC, 'MAC')
}

/** What looks like one of our own placeholders but was written by the customer: masked like data, so that tokens stay unique. */
export const TOKEN = /\[[A-Z][A-Z_]{0,23}_[1-9]\d{0,5}\]/g
export const literalTokens = (text: string) => matches(text, TOKEN, 'LITERAL')
