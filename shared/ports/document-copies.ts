/**
 * Copies of a document's words that others keep to be quick: cached answers that cite it, replies that are kept to be repeated, and,
 * once the document is gone, events and conversations at hand that quote it. What a customer was told stays in the conversation's own
 * record.
 */
export interface DocumentCopies {
  /**
   * Removes what is there of a document that was deleted or replaced a moment ago. What cannot be reached now is removed later: the
   * statement that changed the document has put it on the list. Never throws.
   * @param contentHash of the version that has taken its place; none when the document is gone
   */
  forget(tenantId: string, documentId: string, contentHash?: string): Promise<void>
  /**
   * A round of the sweeper: removes again what has been changed a while ago (an answer that was on its way when its document went
   * was kept after that), and what could not be reached. @returns how many documents were looked after
   * @throws AggregateError when some could not be reached; those stay on the list, and are due again some seconds later
   */
  forgetDue(limit: number): Promise<number>
}
