import { createHash } from 'node:crypto'
import type { LlmRequest } from '#shared/ports/llm.ts'

/** JSON with sorted keys and without undefined members, so that equal values have equal texts (in the manner of RFC 8785). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  members.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`
}

const hashes = new WeakMap<LlmRequest, string>()

/** SHA-256 (hex) over everything of a request that can change its reply; whose call it is does not. Worked out once a request. */
export function requestHash(request: LlmRequest): string {
  const known = hashes.get(request)
  if (known !== undefined) return known
  const hash = hashOf(request)
  hashes.set(request, hash)
  return hash
}

function hashOf(request: LlmRequest): string {
  const { system, messages, schema, tier, maxOutputTokens, prompt } = request
  const said = messages.map(({ role, content }) => ({ role, content }))
  const asked = { system, messages: said, schema: schema.name, tier, maxOutputTokens, prompt: { ...prompt } }
  return createHash('sha256').update(canonicalJson(asked)).digest('hex')
}
