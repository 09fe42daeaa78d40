import * as z from 'zod'
import { retryable } from '#shared/domain/failure.ts'
import type { PersonalData, PersonalDataFinder, PersonalKind } from '#shared/ports/personal-data-finder.ts'

export type PresidioOptions = {
  /** Of the analyzer, e.g. `http://localhost:5002`. */
  readonly url: string
  readonly deadlineMs?: number
}

const Reply = z.array(
  z.object({ entity_type: z.string(), start: z.int().nonnegative(), end: z.int().nonnegative(), score: z.number() }),
)

/** A phone number without a word that says so has this score; what is lower are bare digits that might be anything. */
const LEAST_SCORE = 0.4
const LANGUAGE = 'en'

/** Of Presidio's own recognizers; whatever else a server was taught is masked as an identifier. */
const KINDS: Readonly<Record<string, PersonalKind>> = {
  PERSON: 'person',
  EMAIL_ADDRESS: 'email',
  PHONE_NUMBER: 'phone',
  CREDIT_CARD: 'card',
  IBAN_CODE: 'iban',
  US_SSN: 'ssn',
  IP_ADDRESS: 'ip',
  MAC_ADDRESS: 'mac',
  US_DRIVER_LICENSE: 'driver-licence',
  STREET_ADDRESS: 'address',
  ADDRESS: 'address',
  LOCATION: 'place',
  GPE: 'place',
  ORGANIZATION: 'organisation',
  DATE_TIME: 'date',
  NRP: 'nationality',
  URL: 'web-address',
}
/** `UK_NHS`, `IT_FISCAL_CODE`, `US_PASSPORT`: numbers that a state gives out. */
const NATIONAL = /^[A-Z]{2}_/

/** Microsoft Presidio's analyzer (`POST /analyze`), for those who run one. */
export function createPresidioFinder({ url, deadlineMs = 5_000 }: PresidioOptions): PersonalDataFinder {
  const address = `${url.replace(/\/$/, '')}/analyze`
  return {
    async find(text, signal) {
      if (text.trim() === '') return []
      const body = JSON.stringify({ text, language: LANGUAGE, score_threshold: LEAST_SCORE })
      return spansOf(await post(address, body, AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]), signal), text)
    },
  }
}

/** Nothing of the message stands in a failure: it is stored and shown as it is. */
async function post(address: string, body: string, limited: AbortSignal, signal: AbortSignal): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  let status: number
  try {
    const response = await fetch(address, { method: 'POST', headers, body, signal: limited, redirect: 'error' })
    const reply = await response.text()
    if (response.status === 200) return reply
    status = response.status
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw retryable('privacy-unavailable', `Presidio does not answer: ${(error as Error).name}`, undefined, error)
  }
  throw retryable('privacy-unavailable', `Presidio answered ${status}`)
}

/** Presidio counts code points. */
function spansOf(reply: string, text: string): PersonalData[] {
  const units: number[] = [0]
  for (const character of text) units.push(units.at(-1)! + character.length)
  return parsed(reply).flatMap(({ entity_type, start, end, score }) => {
    const [from, to] = [units[start], units[end]]
    if (score < LEAST_SCORE || from === undefined || to === undefined || from >= to) return []
    return [
      { kind: KINDS[entity_type] ?? (NATIONAL.test(entity_type) ? 'national-id' : 'identifier'), start: from, end: to } as const,
    ]
  })
}

function parsed(reply: string): z.output<typeof Reply> {
  try {
    return Reply.parse(JSON.parse(reply))
  } catch {
    throw retryable('privacy-unavailable', 'Presidio answered in a form that is not known')
  }
}
