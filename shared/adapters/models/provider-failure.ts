import { type Failure, needsPerson, retryable, StepFailure, terminal } from '#shared/domain/failure.ts'
import type { Usage } from '#shared/domain/usage.ts'

/** What a call cost, also when its reply was useless: a refusal or broken JSON is billed like an answer. */
export type Bill = { readonly provider: string; readonly model: string; readonly usage: Usage; readonly costUsd: number }

/** A failed model call together with its bill, so that traces and budgets see what failures cost. */
export class ProviderFailure extends StepFailure {
  readonly bill: Bill
  constructor(failure: Failure, bill: Bill, cause?: unknown) {
    super(failure, { cause })
    this.name = 'ProviderFailure'
    this.bill = bill
  }
}

/** What all provider SDKs tell us about a failed request, in one shape. */
export type VendorError = {
  readonly status: number | undefined
  /** The provider's own word for it: OpenAI's `code` or `type`, Anthropic's `type`. */
  readonly code: string | undefined
  readonly message: string
  readonly retryAfterMs: number | undefined
}

export const MAX_RETRY_AFTER_MS = 60_000

const QUOTA_CODES = new Set(['insufficient_quota', 'billing_error', 'billing_hard_limit_reached'])
const REFUSAL_CODES = new Set(['content_filter', 'content_policy_violation'])
/** Errors inside a stream have no status of their own; their code says which one they would have had. */
const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  rate_limit_exceeded: 429,
  rate_limit_error: 429,
  overloaded_error: 529,
  api_error: 500,
  server_error: 500,
  timeout_error: 504,
  invalid_request_error: 400,
  authentication_error: 401,
  invalid_api_key: 401,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
}

/** The one table from what providers answer to what we do about it. */
export function failureOfVendor(error: VendorError, cause: unknown): StepFailure {
  const { code, message, retryAfterMs } = error
  const status = error.status ?? (code === undefined ? undefined : STATUS_OF_CODE[code])
  if (code !== undefined && QUOTA_CODES.has(code)) return terminal('provider-quota-exhausted', message, cause)
  if (code !== undefined && REFUSAL_CODES.has(code)) return needsPerson('provider-refused', message, cause)
  if (status === undefined) return retryable('provider-unavailable', message, retryAfterMs, cause)
  if (status === 429) return retryable('provider-rate-limited', message, retryAfterMs, cause)
  if (status === 401 || status === 403) return terminal('provider-auth', message, cause)
  if (status === 402) return terminal('provider-quota-exhausted', message, cause)
  if (status === 408 || status === 409 || status >= 500) return retryable('provider-unavailable', message, retryAfterMs, cause)
  return terminal('provider-rejected', message, cause)
}

/**
 * `retry-after-ms`, or `retry-after` as seconds or as an HTTP date (RFC 9110, section 10.2.3), capped at a minute: a provider
 * may be wrong about itself for hours, and there are other providers.
 */
export function retryAfterMsOf(headers: Headers | undefined, now: Date): number | undefined {
  const exactMs = Number(headers?.get('retry-after-ms') ?? Number.NaN)
  if (exactMs >= 0) return Math.min(exactMs, MAX_RETRY_AFTER_MS)
  const value = headers?.get('retry-after')
  if (!value) return undefined
  const seconds = Number(value)
  const waitMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - now.getTime()
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS)
}

/** A socket that broke: Node's fetch throws these through the SDKs as they are once the reply has begun. */
export function isNetworkError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = (error.cause as { code?: unknown } | undefined)?.code ?? (error as { code?: unknown }).code
  return (
    error.message === 'terminated' || (typeof code === 'string' && /^(?:UND_ERR|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_)/.test(code))
  )
}
