import { contentTerms } from '#shared/text/tokenize.ts'
import { countedVerdicts } from './counted-entailment.ts'
import { passagesIn, questionIn } from './passages-in-prompt.ts'
import { firstSentence, quotedPairs } from './quoted-digest.ts'
import { quotedDraft } from './quoted-draft.ts'
import { instanceOf, type JsonSchema } from './schema-instance.ts'

export type Prompt = {
  readonly system: string
  readonly messages: readonly { readonly role: string; readonly content: string }[]
  /** What the reply must look like; without one the reply is plain text. */
  readonly schema: JsonSchema | undefined
}

/** A message with these words is what the simulated model takes for orders to itself. */
export const SIMULATED_ORDER = 'the simulated model shall obey'

/** What the simulated model says: a quoted draft where a draft is asked for, a likely intent, or a minimal valid instance. */
export function composeReply({ system, messages, schema }: Prompt): string {
  const asked = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  if (!schema) return 'This is a simulated reply.'
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>
  if ('answerable' in properties && 'sentences' in properties) {
    const draft = quotedDraft(questionIn(asked), passagesIn(`${system}\n${asked}`))
    return JSON.stringify({ ...(instanceOf(schema) as object), ...draft })
  }
  if ('verdicts' in properties) return JSON.stringify({ verdicts: countedVerdicts(asked, passagesIn(asked)) })
  if ('pairs' in properties) return JSON.stringify({ pairs: quotedPairs(passagesIn(asked)) })
  if ('label' in properties && 'quote' in properties)
    return JSON.stringify({ ...(instanceOf(schema) as object), quote: firstSentence(passagesIn(asked)[0]?.text ?? '') ?? '' })
  if ('intent' in properties) return JSON.stringify(likelyIntent(schema, properties, questionIn(asked)))
  return JSON.stringify({ ...(instanceOf(schema) as object), ...understood(properties, questionIn(asked)) })
}

/** The label that shares most words with the question. */
function likelyIntent(schema: JsonSchema, properties: Record<string, JsonSchema>, question: string) {
  const labels = (properties['intent']?.['enum'] ?? []) as string[]
  const words = new Set(contentTerms(question))
  const overlap = (label: string) => contentTerms(label.replaceAll('_', ' ')).filter((word) => words.has(word)).length
  const best = labels.toSorted((a, b) => overlap(b) - overlap(a))[0]
  const found = best !== undefined && overlap(best) > 0
  const intent = found ? best : (labels.find((label) => /other|unknown|general|question/.test(label)) ?? labels[0] ?? 'question')
  const confidence = 'confidence' in properties ? { confidence: found ? 0.9 : 0.4 } : {}
  return { ...(instanceOf(schema) as object), intent, ...confidence, ...understood(properties, question) }
}

/** The question as it was asked, and nothing to be alarmed about: the gravest severity comes first in its list, and none was seen. */
const understood = (properties: Record<string, JsonSchema>, question: string) => ({
  ...('query' in properties ? { query: question.slice(0, 800) || 'simulated' } : {}),
  ...('injection' in properties ? { injection: question.includes(SIMULATED_ORDER) ? 0.95 : 0 } : {}),
  ...((properties['severity']?.['enum'] as string[] | undefined)?.includes('P3') ? { severity: 'P3' } : {}),
})

/** A schema that an adapter wrote into the prompt, for servers that take none in the request. */
export function schemaInPrompt(system: string): JsonSchema | undefined {
  const open = '<json_schema>'
  const from = system.indexOf(open)
  const to = system.indexOf('</json_schema>', from)
  if (from < 0 || to < 0) return undefined
  try {
    return JSON.parse(system.slice(from + open.length, to)) as JsonSchema
  } catch {
    return undefined
  }
}
