import type { AnswerExample } from '#shared/domain/tenant-answer-examples.ts'

/** Replies of people that helped, per tenant; without personal data. */
export interface ExampleBank {
  /** One a ticket; the same again changes nothing. */
  add(tenantId: string, ticketId: string, example: AnswerExample, now: Date): Promise<void>
  remove(tenantId: string, ticketId: string): Promise<void>
  /** The latest first. */
  list(tenantId: string, limit: number): Promise<readonly AnswerExample[]>
}
