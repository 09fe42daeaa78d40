import { isUtf8 } from 'node:buffer'
import { type FieldError, fieldName, invalid, Problem } from './problem.ts'

const MAX_DEPTH = 32
const MAX_ERRORS = 20

/**
 * JSON from outside. Beyond syntax it refuses what the schemas cannot see or PostgreSQL cannot hold: bytes that are not UTF-8,
 * strings and keys with NUL or lone surrogates, and nesting no schema of ours has.
 * @returns undefined for no bytes at all
 * @throws Problem 400 `malformed-body`, or 422 naming the fields
 */
export function parseJsonBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  if (!isUtf8(bytes)) throw new Problem(400, 'malformed-body', 'the body is not valid UTF-8')
  const text = bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Problem(400, 'malformed-body', 'the body is not valid JSON')
  }
  // Valid UTF-8 cannot spell a lone surrogate and JSON no NUL, except as an escape: most bodies have none and need no second look.
  const errors: FieldError[] = []
  inspect(value, [], text.includes('\\u'), errors)
  if (errors.length > 0) throw invalid(errors)
  return value
}

const isSound = (text: string) => !text.includes('\u0000') && text.isWellFormed()

function inspect(value: unknown, path: string[], strings: boolean, errors: FieldError[]): void {
  if (errors.length >= MAX_ERRORS) return
  if (typeof value === 'string') {
    if (strings && !isSound(value))
      errors.push({ field: fieldName(path), message: 'must be well-formed Unicode without NUL characters' })
    return
  }
  if (typeof value !== 'object' || value === null) return
  if (path.length >= MAX_DEPTH) {
    const named = fieldName(path.slice(0, 3))
    throw new Problem(400, 'malformed-body', `"${named}" is nested deeper than ${MAX_DEPTH} levels`, {
      errors: [{ field: named, message: `is nested deeper than ${MAX_DEPTH} levels` }],
    })
  }
  for (const key in value) {
    if (strings && !isSound(key))
      errors.push({ field: fieldName([...path, key]), message: 'the name must be well-formed Unicode without NUL characters' })
    path.push(key)
    inspect((value as Record<string, unknown>)[key], path, strings, errors)
    path.pop()
  }
}
