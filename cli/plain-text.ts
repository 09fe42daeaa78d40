/** C0 and C1 controls but for tab and line break, and what turns the direction of writing. */
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/**
 * Text of customers, documents and models as a terminal may show it: terminals obey escape sequences (titles, links, the
 * clipboard), and a document or a model must not command whoever reads an answer in one.
 */
export const plainText = (text: string): string => text.replace(OBEYED, '\ufffd')
