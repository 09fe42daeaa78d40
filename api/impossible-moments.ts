import { fieldName, invalid, type Problem } from './problem.ts'
import { isStorable, STORABLE } from './schemas.ts'

/** SQLSTATE of dates that PostgreSQL cannot hold: the year 0, or one past 9999 once the offset is taken. */
const NO_MOMENT = /^2200[789]$/
const WRITTEN = /^\d{4}-\d\d-\d\d(?:T|$)/

/**
 * A well-written date may still be none that the database holds; that is the client's to mend, not ours.
 * @returns the refusal that names its fields, or undefined when the request has no such date
 */
export function impossibleMoments(error: unknown, { body, query }: { body: unknown; query: unknown }): Problem | undefined {
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string' || !NO_MOMENT.test(code)) return undefined
  const fields = [...momentsIn(query, []), ...momentsIn(body, [])]
  return fields.length === 0 ? undefined : invalid(fields.map((field) => ({ field, message: STORABLE })))
}

function momentsIn(value: unknown, path: readonly string[]): string[] {
  if (typeof value === 'string') return WRITTEN.test(value) && !isStorable(new Date(value)) ? [fieldName(path)] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, part]) => momentsIn(part, [...path, name]))
}
