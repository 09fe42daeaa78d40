/**
 * JSON that `jsonb` takes. PostgreSQL refuses NUL and lone surrogates inside jsonb, and a model may well write them; a reply
 * must not be lost for that, so they become U+FFFD here, in names as in values. Our own doors refuse them with a message
 * (`wellFormed`).
 */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value)
  // Looked for first as plain text: nearly no value holds an escape of this kind, and every fact of every run comes by here.
  return json.includes('\\u') && /\\u(0000|d[89a-f])/i.test(json) ? JSON.stringify(value, cleaned) : json
}

/** The same for a `text` column, which cannot hold NUL either. */
export const toText = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\uFFFD')

function cleaned(_key: string, item: unknown): unknown {
  if (typeof item === 'string') return toText(item)
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
  return Object.fromEntries(Object.entries(item).map(([name, inner]) => [toText(name), inner]))
}
