import type { RejectedText } from '#shared/ports/text-extractor.ts'

/** Of extracted text; the same as of text that is sent as such. */
export const MAX_CHARACTERS = 5_000_000

export const rejected = (code: string, reason: string): RejectedText => ({ kind: 'rejected', code, reason })
export const tooLarge = () =>
  rejected('document-too-large', `there are more than ${MAX_CHARACTERS.toLocaleString('en')} characters of text in the document`)
/** PostgreSQL can hold neither. */
export const sound = (text: string): string => text.toWellFormed().replaceAll('\u0000', '')
