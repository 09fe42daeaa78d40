import { StepFailure } from './failure.ts'

/** SQLSTATE classes 08 (connection), 53 (resources) and 57P (shutdown), and what Node says when nobody listens. */
const CODES = /^(?:08...|53...|57P..|ECONN[A-Z]+|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH)$/
/** What the database driver says without a code. */
const WORDS = /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/

/** A store that is away, restarting or full is nobody's mistake, and whoever asks can do something about it: come back. */
export function isStoreAway(error: unknown): boolean {
  if (error instanceof StepFailure) return error.failure.kind === 'retryable'
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
  return (typeof code === 'string' && CODES.test(code)) || (typeof message === 'string' && WORDS.test(message))
}
