import { hidePersonalShapes } from '#shared/text/hide-personal-shapes.ts'

const MASKED = '[masked]'
/** Of a job's payload, what the engine puts there; anything else got in by mistake and is nobody's to read. */
const SHOWN = new Set(['runId', 'seq', 'id', 'deadLetterId', 'pipeline', 'step', 'code', 'lane'])
/** Ids and names of ours: no blanks, no @, and a letter among the first characters, so that no number of a customer passes. */
const WORD = /^[A-Za-z][A-Za-z0-9_.:-]{0,99}$/

const word = (value: unknown) =>
  typeof value === 'string' && WORD.test(value) && hidePersonalShapes(value) === value ? value : MASKED
/** Jobs are named after their step, dead letters `<step>: <code>`. */
const jobName = (value: unknown) =>
  typeof value === 'string' && /^[a-z][a-z0-9-]{0,60}: [a-z][a-z0-9-]{0,80}$/.test(value) ? value : word(value)
const figure = (value: unknown) =>
  typeof value === 'number' || typeof value === 'boolean' || value == null ? value : word(value)

/** A job's payload with all but the engine's own ids and words masked. */
export function maskPayload(data: unknown): unknown {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return data == null ? data : MASKED
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [word(key), SHOWN.has(key) ? figure(value) : MASKED]))
}

const TOLD_ELSEWHERE = ': what happened stands on the page of its run'

/** Why a dead letter failed, for operators of every tenant. Its message may quote a ticket: PostgreSQL has it, for its own tenant. */
export const reasonOf = (code: unknown) => `${word(code)}${TOLD_ELSEWHERE}`

/** `provider-rate-limited: <what the provider said>` keeps its code; the rest may quote a ticket. */
export function maskReason(reason: unknown): unknown {
  if (typeof reason !== 'string' || reason === '') return reason
  if (reason.endsWith(TOLD_ELSEWHERE)) return reasonOf(reason.slice(0, -TOLD_ELSEWHERE.length))
  const code = /^[a-z]+(?:-[a-z]+)+(?=:|$)/.exec(reason)?.[0]
  return code ? `${code}: ${MASKED}` : MASKED
}

const keepFigures = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(keepFigures)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, keepFigures(item)]))
  return figure(value)
}

const MASKS: Readonly<Record<string, (value: unknown) => unknown>> = {
  data: maskPayload,
  opts: keepFigures,
  returnValue: figure,
  progress: (value) => (typeof value === 'object' && value !== null ? MASKED : figure(value)),
  failedReason: maskReason,
  deferredFailure: maskReason,
  stacktrace: (value) => (Array.isArray(value) ? value.map(() => MASKED) : value),
  ignoredChildFailureReasons: (value) =>
    typeof value === 'object' && value !== null ? { [MASKED]: Object.keys(value).length } : value,
}

/**
 * A response of Bull Board's API, masked by field name wherever it stands: Bull Board's own formatters leave failed reasons,
 * stack traces, logs and flows as they are.
 * @param route Bull Board's own pattern, e.g. `/api/queues/:queueName/:jobId/logs`
 */
export function maskResponse(route: string, body: unknown): unknown {
  if (route.endsWith('/logs')) return Array.isArray(body) ? body.map(() => MASKED) : MASKED
  if (route.endsWith('/metrics')) return body
  return mask(body)
}

function mask(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mask)
  if (typeof value !== 'object' || value === null) return value
  // A job's name is ours as well, but whoever adds jobs by hand may put anything there.
  const isJob = 'timestamp' in value || 'flowRoot' in value || 'queueName' in value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const own = Object.hasOwn(MASKS, key) ? MASKS[key] : undefined
      if (own) return [key, own(item)]
      return [key, isJob && key === 'name' ? jobName(item) : mask(item)]
    }),
  )
}
