import { extractText } from '#shared/adapters/parsing/extract-text.ts'
import type { TextExtractor } from '#shared/ports/text-extractor.ts'

/** The real readers, without the process around them: fast, and for documents that are no harm. */
export const memoryExtractor = (): TextExtractor => ({
  async extract(bytes, type, signal) {
    signal.throwIfAborted()
    return extractText(bytes, type)
  },
})
