/** What is found in a document's bytes. */
export type ExtractedText = {
  readonly kind: 'text'
  /** Markdown or plain text, without NUL and lone surrogates. */
  readonly text: string
  readonly structure: 'markdown' | 'plain'
  readonly title?: string | undefined
  /** ISO 639 code, as the document itself says. */
  readonly language?: string | undefined
  readonly modifiedAt?: string | undefined
  /** Where each page begins in `text`. */
  readonly pageStarts?: readonly number[] | undefined
}
/** Unfit, and the same next time. Codes: docs/documents.md */
export type RejectedText = { readonly kind: 'rejected'; readonly code: string; readonly reason: string }
export type Extraction = ExtractedText | RejectedText

/** Reads text out of the formats that documents come in. */
export interface TextExtractor {
  /**
   * @param type one of `DocumentType`
   * @throws StepFailure (retryable) when the extractor itself is in trouble, or the signal's reason
   */
  extract(bytes: Uint8Array, type: string, signal: AbortSignal): Promise<Extraction>
}
