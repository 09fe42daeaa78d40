/** What a stretch of personal data is; `place` and all behind it merely narrow down who somebody is. */
export type PersonalKind =
  | 'person'
  | 'address'
  | 'email'
  | 'phone'
  | 'card'
  | 'iban'
  | 'ssn'
  | 'ip'
  | 'mac'
  | 'national-id'
  | 'driver-licence'
  | 'identifier'
  | 'place'
  | 'organisation'
  | 'date'
  | 'nationality'
  | 'web-address'

/** Offsets are UTF-16 units, end exclusive. */
export type PersonalData = { readonly kind: PersonalKind; readonly start: number; readonly end: number }

/**
 * Somebody else who looks for personal data, beside our own patterns and tagger: what either finds is masked. Most installations have none.
 * Fails with a `StepFailure`: a message that was only half looked at is looked at again later, not sent on.
 */
export type PersonalDataFinder = {
  find(text: string, signal: AbortSignal): Promise<readonly PersonalData[]>
}
