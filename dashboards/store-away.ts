/** SQLSTATE classes 08 (connection), 53 (resources) and 57P (shutdown), and what Node says when nobody listens. */
const CODES = /^(?:08...|53...|57P..|ECONN[A-Z]+|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH)$/
const WORDS = /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/

/** A store that is down is no mistake of ours, and whoever looks can do something about it: come back. The API judges alike. */
export function isStoreAway(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  return (typeof code === 'string' && CODES.test(code)) || (typeof message === 'string' && WORDS.test(message))
}
