import type { PiiSpan } from './pii-patterns.ts'

/*
 * Data that is recognised by what stands next to it: passwords and keys, dates of birth, names of people who introduce themselves.
 * All patterns are linear: bounded repetitions, and each match starts at a literal label.
 */

const KEY_SHAPES =
  /(?<![A-Za-z0-9_-])(?:(?:sk|pk|rk)[-_](?:[a-z]{2,8}[-_])?[A-Za-z0-9_-]{16,200}|gh[pousr]_[A-Za-z0-9]{20,200}|github_pat_\w{20,200}|glpat-[\w-]{16,100}|xox[abeprs]-[\w-]{10,200}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{35}|SG\.[\w-]{16,100}\.[\w-]{16,100}|(?:hf|npm|whsec|dop_v1|shpat|sq0atp|EAAC)[_-]?[A-Za-z0-9+/=]{24,200}|eyJ[\w-]{8,2000}\.eyJ[\w-]{4,4000}\.[\w-]{8,1000})/g
const PRIVATE_KEY = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s]{0,8000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g
const BEARER = /(?<![\p{L}\p{N}])(?:bearer|basic) +([A-Za-z0-9._~+/-]{16,2000}=*)/giu

const SECRET_LABEL =
  /(?<![\p{L}\p{N}])(?:pass(?:word|code|phrase|wd)?|pwd|passwort|kennwort|mot de passe|contraseña|contrasena|clave|senha|wachtwoord|pin(?: code)?|(?:api|access|secret|private|license|licence)[ _-]?(?:key|token)|secret|(?:security|verification|one[- ]time) code|otp|cvv2?|cvc2?)\s{0,2}(?<link>is now|is|was|ist|war|est|es|era|é|:|=|->|→)\s{0,3}(?<quote>["'“”‘’«`]?)(?<value>[^\s"“”«»`]{3,100})/giu
/** What people say about a password without telling it. */
const NOT_A_SECRET = new Set(
  (
    'not wrong unlocked incorrect invalid expired reset blocked locked working lost gone missing forgotten correct right fine okay required too weak strong ' +
    'compromised hacked the and but rejected accepted broken blank empty disabled changed unknown stolen declined denied being been now still never ' +
    'always also only just very what how why when where which who this that there here same different new old case needed wanted set sent shown visible ' +
    'used known stored saved unable valid entered asked about for from with your mine their our his her its safe secure good bad short long taken possible ' +
    'nicht falsch abgelaufen gesperrt richtig vergessen ungültig weg pas incorrecta incorrecto incorrecte caducada bloqueada bloqueado errada expirada oubliée perdu'
  ).split(' '),
)

/** `my password is hunter2`, `PIN: 4711`, `sk-live-…`, private keys and bearer tokens. */
export function* secrets(text: string): Generator<PiiSpan> {
  for (const pattern of [PRIVATE_KEY, KEY_SHAPES])
    for (const match of text.matchAll(pattern)) yield { type: 'SECRET', start: match.index, end: match.index + match[0].length }
  for (const match of text.matchAll(BEARER)) {
    const end = match.index + match[0].length
    yield { type: 'SECRET', start: end - match[1]!.length, end }
  }
  for (const match of text.matchAll(SECRET_LABEL)) {
    const { link, quote, value: raw } = match.groups as { link: string; quote: string; value: string }
    const value = raw.replace(/[.,;:!?)\]}'’]{1,5}$/, '')
    const start = match.index + match[0].length - raw.length
    if (isToldSecret(value, quote !== '' || !/\p{L}/u.test(link), text[start + value.length]))
      yield { type: 'SECRET', start, end: start + value.length }
  }
}

function isToldSecret(value: string, marked: boolean, next: string | undefined): boolean {
  if (value.length < 3 || NOT_A_SECRET.has(value.toLowerCase())) return false
  if (/[^\p{L}'’-]/u.test(value) || /\p{Ll}\p{Lu}/u.test(value)) return true
  return marked || next === undefined || /[.,;!\n]/.test(next)
}

const MONTH = '(?:\\p{L}{3,10})'
const DATE = `(?:\\d{1,4}[./-]\\d{1,2}[./-]\\d{1,4}|\\d{1,2}(?:st|nd|rd|th|\\.)?(?: of| de)? ${MONTH},?(?: de)? \\d{4}|${MONTH} \\d{1,2}(?:st|nd|rd|th)?,? \\d{4})`
const DATE_OF_BIRTH = new RegExp(
  `(?<![\\p{L}])(?:date of birth|d\\.?o\\.?b\\.?|birth ?(?:date|day)|born(?: on)?|geburts(?:datum|tag)|geboren(?: am)?|date de naissance|née?(?: le)?|fecha de nacimiento|nacid[oa](?: el)?|data de (?:nascimento|nascita)|nascid[oa](?: em)?|geboortedatum)(?:[\\s:=(-]{0,4}(?:is|was|ist|war|est|es|é)?[\\s:=(-]{0,4})(${DATE})`,
  'giu',
)

export function* datesOfBirth(text: string): Generator<PiiSpan> {
  for (const match of text.matchAll(DATE_OF_BIRTH)) {
    const end = match.index + match[0].length
    yield { type: 'DATE_OF_BIRTH', start: end - match[1]!.length, end }
  }
}

const NAME_WORD = "(?:\\p{Lu}[\\p{L}\\p{M}'’-]{1,30}|\\p{Lu}\\.)"
const PARTICLE = '(?:de|del|della|di|da|dos|das|du|van|von|der|den|zu|la|le|el|al|bin|ibn|y|e)'
const FULL_NAME = `${NAME_WORD}(?: (?:${PARTICLE} ){0,2}${NAME_WORD}){0,3}`
const LABEL =
  "(?:[Mm]y (?:full |first |last )?name(?: is|['’]s|:)|[Mm]ein Name ist|[Ii]ch hei(?:ß|ss)e|[Jj]e m['’]appelle|[Mm]on nom est|[Mm]e llamo|[Mm]i nombre es|[Mm]eu nome é|[Mm]e chamo|[Mm]i chiamo|[Ii]l mio nome è|[Mm]ijn naam is|(?:^|\\n)[ \\t]{0,4}(?:[Ff]ull )?[Nn]ame:)"
const INTRODUCED = new RegExp(`(?<!\\p{L})${LABEL}[ \\t\\n]{1,3}(${FULL_NAME})`, 'gu')
const INTRODUCED_LOWER = /(?<!\p{L})my name(?: is|['’]s) (\p{Ll}[\p{L}'’-]{1,30}(?: \p{Ll}[\p{L}'’-]{1,30})?)/gu
const CALLING = new RegExp(`(?<!\\p{L})[Tt]his is (${FULL_NAME})(?= (?:from|calling|here|speaking|writing)(?!\\p{L}))`, 'gu')
const CLOSING =
  '(?:(?:(?:kind|best|warm|many) )?(?:regards|wishes|thanks)|best|thanks|thank you|cheers|sincerely|yours(?: sincerely| truly| faithfully)?|(?:mit )?(?:freundlichen |freundliche |viele |liebe |beste )?grü(?:ß|ss)e?n?|mfg|vg|lg|danke|cordialement|bien à vous|merci|(?:un )?saludos?(?: cordiales)?|atentamente|gracias|atenciosamente|cumprimentos|obrigad[oa]|cordiali saluti|grazie|groeten)'
const SIGNATURE = new RegExp(
  `(?:^|\\n)[ \\t]{0,4}(?:(?i:${CLOSING})[ \\t]{0,2}[,.!]?|--)[ \\t]{0,4}\\n\\s{0,4}(${FULL_NAME})[ \\t]{0,4}(?=\\n|$)`,
  'gu',
)
/** What follows "my name is" without being a name. */
const NOT_A_NAME = new Set(
  'urgent not on in wrong incorrect misspelled misspelt spelled spelt missing showing shown displayed listed written different still now the a an and but also being changed under already there here correct'.split(
    ' ',
  ),
)
const TEAM = /(?:team|support|service|department|gmbh|inc|ltd|llc|group)$/i

/** Names only where people name themselves: "my name is …", "this is … from", a name line, a signature under a closing. */
export function* introducedNames(text: string): Generator<PiiSpan> {
  for (const pattern of [INTRODUCED, CALLING, SIGNATURE])
    for (const match of text.matchAll(pattern)) yield* person(match, match[1]!)
  for (const match of text.matchAll(INTRODUCED_LOWER)) {
    const [first, second] = match[1]!.split(' ') as [string, string?]
    if (NOT_A_NAME.has(first)) continue
    const joined =
      second !== undefined && !/^(?:and|but|i|im|i'm|from|with|my|the|is|please|can|here|you|we|have|on)$/.test(second)
    yield* person(match, joined ? match[1]! : first)
  }
}

function* person(match: RegExpExecArray, name: string): Generator<PiiSpan> {
  const start = match.index + match[0].lastIndexOf(match[1]!)
  // The last sentence's full stop is not part of a name, that of an initial is.
  if (!TEAM.test(name) && !NOT_A_NAME.has(name.toLowerCase())) yield { type: 'PERSON', start, end: start + name.length }
}
