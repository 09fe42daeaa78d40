/**
 * JSON that `jsonb` takes. PostgreSQL refuses NUL and lone surrogates inside jsonb, and a model may well write them; a reply
 * must not be lost for that, so they become U+FFFD here. Our own doors refuse them with a message (`wellFormed`).
 */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value)
  return /\\u(0000|d[89a-f])/i.test(json)
    ? JSON.stringify(value, (_key, item) =>
        typeof item === 'string' ? item.toWellFormed().replaceAll('\u0000', '\uFFFD') : item,
      )
    : json
}
