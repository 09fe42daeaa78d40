import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { failureOfVendor, retryAfterMsOf } from '#shared/adapters/models/provider-failure.ts'
import { strictSchemaOf } from '#shared/adapters/models/reply-schema.ts'
import { parseReply } from '#shared/adapters/models/settle-reply.ts'
import { ModelDraft } from '#shared/domain/draft.ts'

const NOW = new Date('2026-11-21T10:00:00Z')
const vendor = (status: number | undefined, code?: string) =>
  failureOfVendor({ status, code, message: 'said so', retryAfterMs: undefined }, undefined).failure

describe('the table of provider failures', () => {
  it.each([
    [429, undefined, 'retryable', 'provider-rate-limited'],
    [429, 'insufficient_quota', 'terminal', 'provider-quota-exhausted'],
    [402, undefined, 'terminal', 'provider-quota-exhausted'],
    [408, undefined, 'retryable', 'provider-unavailable'],
    [409, undefined, 'retryable', 'provider-unavailable'],
    [500, undefined, 'retryable', 'provider-unavailable'],
    [529, 'overloaded_error', 'retryable', 'provider-unavailable'],
    [undefined, undefined, 'retryable', 'provider-unavailable'],
    [undefined, 'overloaded_error', 'retryable', 'provider-unavailable'],
    [undefined, 'rate_limit_exceeded', 'retryable', 'provider-rate-limited'],
    [undefined, 'invalid_request_error', 'terminal', 'provider-rejected'],
    [400, undefined, 'terminal', 'provider-rejected'],
    [404, undefined, 'terminal', 'provider-rejected'],
    [413, undefined, 'terminal', 'provider-rejected'],
    [422, undefined, 'terminal', 'provider-rejected'],
    [401, undefined, 'terminal', 'provider-auth'],
    [403, undefined, 'terminal', 'provider-auth'],
    [400, 'content_filter', 'needs-person', 'provider-refused'],
  ] as const)('%s %s is %s %s', (status, code, kind, expected) => {
    expect(vendor(status, code)).toMatchObject({ kind, code: expected })
  })

  it.each([
    [{ 'retry-after': '3' }, 3_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': 'Sat, 21 Nov 2026 10:00:20 GMT' }, 20_000],
    [{ 'retry-after': 'Sat, 21 Nov 2026 09:00:00 GMT' }, 0],
    [{ 'retry-after': '86400' }, 60_000],
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('reads %j as a wait of %s ms', (headers, expected) => {
    expect(retryAfterMsOf(new Headers(headers as Record<string, string>), NOW)).toBe(expected)
  })
})

describe('the shape of a reply', () => {
  it('goes to OpenAI without bounds, closed and complete, the bounds as words', () => {
    const schema = strictSchemaOf(ModelDraft)
    expect(JSON.stringify(schema)).not.toMatch(/"(?:minLength|maxItems|exclusiveMinimum|maximum|\$schema)":/)
    expect(schema).toMatchObject({ additionalProperties: false, required: ['answerable', 'sentences', 'followUps'] })
    expect(JSON.stringify(schema)).toContain('{maxItems: 60}')
  })

  it('keeps a property whose name is that of a bound', () => {
    const schema = strictSchemaOf(z.object({ format: z.string(), minimum: z.number().min(3) }))
    expect(Object.keys(schema['properties'] as object)).toEqual(['format', 'minimum'])
  })

  it('refuses an optional property, which strict mode cannot say', () => {
    expect(() => strictSchemaOf(z.object({ note: z.string().optional() }))).toThrow()
  })

  it('is parsed with the schema, fenced or not, and never half', () => {
    const type = z.object({ n: z.int() })
    expect(parseReply(type, ' {"n": 1}\n')).toEqual({ value: { n: 1 } })
    expect(parseReply(type, '```json\n{"n": 1}\n```')).toEqual({ value: { n: 1 } })
    expect(parseReply(type, '{"n": 1')).toHaveProperty('problem')
    expect(parseReply(type, '{"n": "1"}')).toEqual({ problem: 'the reply has another shape: n: invalid_type' })
    expect(parseReply(type, '')).toHaveProperty('problem')
  })
})
