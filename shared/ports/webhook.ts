export type WebhookMessage = {
  readonly id: string
  readonly url: string
  readonly secret: string
  readonly body: string
  readonly timestamp: Date
}

export interface Webhook {
  /** Sends once, signed; throws a `StepFailure` that says whether to try again. @returns the HTTP status */
  send(message: WebhookMessage, signal: AbortSignal): Promise<number>
}
