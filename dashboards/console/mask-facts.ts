import { hidePersonalShapes } from '#shared/text/hide-personal-shapes.ts'

const MAX_CHARACTERS = 4_000
/** Written by steps from masked text. `ticket`, `receipt`, `ruling` and `delivery` hold what the customer wrote or reads, and any other fact might. */
const MASKED_AT_SOURCE = new Set([
  'screened',
  'recalled',
  'triage',
  'passages',
  'draft',
  'verdict',
  'answer',
  'handover',
  'trouble',
  'webhookReceipt',
])
const WORD = /^[A-Za-z0-9_.:/-]{1,80}$/

/** A fact as operators may read it: what was masked by `screen` in full, of everything else ids, words and figures only. */
export function maskFact(name: string, value: unknown): unknown {
  const byPerson = name === 'answer' && (value as { by?: unknown } | null)?.by === 'person'
  return walk(
    value,
    byPerson ? hideProse : name === 'screened' ? hidePlaceholderValues : MASKED_AT_SOURCE.has(name) ? () => undefined : hideProse,
  )
}

type Hide = (key: string, value: string) => string | undefined

const hidePlaceholderValues: Hide = (key) => (key === 'value' ? '[masked]' : undefined)
/** One word can be an answer, too. */
const PROSE = new Set(['text', 'reason', 'followUps', 'quote', 'summary', 'url'])
const hideProse: Hide = (key, value) => (WORD.test(value) && !PROSE.has(key) ? undefined : `[${value.length} characters]`)

function walk(value: unknown, hide: Hide, key = ''): unknown {
  if (typeof value === 'string') {
    const clipped = value.length > MAX_CHARACTERS ? `${value.slice(0, MAX_CHARACTERS)}… [${value.length} characters]` : value
    return hide(key, value) ?? hidePersonalShapes(clipped)
  }
  if (Array.isArray(value)) return value.map((item) => walk(item, hide, key))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, SECRET.has(name) && item != null ? '[masked]' : walk(item, hide, name)]),
  )
}

/** One word can be a name or an address, too. */
const SECRET = new Set(['email', 'name', 'requester', 'body', 'metadata', 'callbackUrl', 'secret'])
