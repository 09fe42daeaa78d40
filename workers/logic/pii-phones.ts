import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/max'
import { contextBefore, isReference, type PiiSpan } from './pii-patterns.ts'

/** Digits with the separators people write between them; bounded, and digits and separators are disjoint, so it is linear. */
const CANDIDATE = /(?<![\p{L}\p{N}.,-])[+(]{0,2}\d(?:[ ()./\u2010-\u2013-]{0,3}\d){6,16}(?![\p{L}\p{N}])/gu

const PHONE_CUE =
  /(?<!\p{L})(?:phone|telephone|telefono|teléfono|telefone|telefon|téléphone|tel|mobile|cell|call|called|calling|ring|dial|reach|text|sms|whatsapp|signal|fax|contact|number|answering|messages?|voicemail|handy|rufnummer|anrufen|ruf|erreich\p{L}*|portable|appel\p{L}*|joindre|móvil|movil|llam\p{L}*|celular|telemóvel|ligar|cellulare|chiam\p{L}*|bel)(?!\p{L})(?:[^\p{L}\n]{0,4}\p{L}{1,12}){0,3}[^\p{L}\p{N}]{0,6}$/iu

const DATE_SHAPE = /^(?:(?:19|20)\d\d[./-][01]?\d[./-][0-3]?\d|[0-3]?\d[./-][0-3]?\d[./-](?:19|20)?\d\d)(?: |$)/
const THOUSANDS = /^\d{1,3}(?:[. ]\d{3})+$/
const CURRENCY_BEFORE = /[$€£¥₹]\s?$|(?:usd|eur|gbp|chf|inr|rs)\.?\s?$/i
const UNIT_AFTER = /^(?:[.,]\d|\s?(?:[$€£¥₹%]|usd|eur|gbp|chf|inr|kg|mb|gb|ms|px)(?![\p{L}]))/iu

/** Where a number without "+" may come from when nothing says so; more regions would let more order numbers pass as phones. */
const REGIONS: CountryCode[] = ['US', 'GB', 'DE', 'FR', 'ES', 'IN', 'AU']
/** Parsing costs about 20 µs a region. Past this many doubtful numbers a text is hostile or a list of contacts: all are masked. */
const MAX_DOUBTFUL = 200

/** Phone numbers: international ones that exist, those that are called phones, and those written and numbered like one. */
export function* phones(text: string): Generator<PiiSpan> {
  let doubtful = 0
  for (const match of text.matchAll(CANDIDATE)) {
    const written = match[0]
    const digits = written.replace(/\D/g, '').length
    if (digits < 7 || digits > 15) continue
    const span: PiiSpan = { type: 'PHONE', start: match.index, end: match.index + written.length }
    const sure = verdictByContext(written, contextBefore(text, span.start), text.slice(span.end, span.end + 6))
    if (sure === false) continue
    if (!sure) doubtful += 1
    if (sure || doubtful > MAX_DOUBTFUL || isPhoneByPlan(written)) yield span
  }
}

/** True or false where the surroundings decide, undefined where the number itself has to. */
function verdictByContext(written: string, before: string, after: string): boolean | undefined {
  if (DATE_SHAPE.test(written) || CURRENCY_BEFORE.test(before) || UNIT_AFTER.test(after)) return false
  if (isReference(before)) return false
  if (PHONE_CUE.test(before)) return true
  if (/#\s?$/.test(before) || THOUSANDS.test(written)) return false
  return undefined
}

function isPhoneByPlan(written: string): boolean {
  if (written.includes('+') || written.startsWith('00'))
    return parsePhoneNumberFromString(written.replace(/^00/, '+'))?.isValid() === true
  const groups = written.match(/\d+/g) ?? []
  const looksDialled = groups.length >= 3 || written.includes('(') || (written.startsWith('0') && groups.length === 2)
  if (!looksDialled || groups.join('').length < 9 || groups.some((group) => group.length < 2)) return false
  return REGIONS.some((region) => parsePhoneNumberFromString(written, region)?.isValid() === true)
}
