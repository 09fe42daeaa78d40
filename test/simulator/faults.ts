import * as z from 'zod'

export const Fault = z.enum([
  'hang', // no byte ever
  'stall', // silence in the middle
  'half', // a clean end in the middle
  'drop', // the socket breaks: in the middle of a stream, before a whole reply
  'slow', // everything arrives, late
  'thinking', // nothing but pings for a while, then the reply
  'broken_json', // the reply's text is cut JSON
  'wrong_schema', // the reply's text is JSON of another shape
  'empty_200',
  'empty_choices',
  'no_usage',
  'cut_off', // the model ran into its token limit
  'refusal',
  'content_filter',
  '429',
  '500',
  '529',
])
export type Fault = z.infer<typeof Fault>

export const FaultRule = z.strictObject({
  /** A text that the request's path or body contains; absent = every request. */
  match: z.string().min(1).optional(),
  fault: Fault,
  /** How often it strikes; without it once, or for ever when a probability is given. */
  count: z.int().positive().optional(),
  probability: z.number().min(0).max(1).optional(),
  /** Of a 429, 500 or 529. */
  retryAfterSeconds: z.number().nonnegative().optional(),
})
export type FaultRule = z.infer<typeof FaultRule>
export type Strike = { readonly fault: Fault; readonly retryAfterSeconds: number | undefined }

/** The faults to come, in order: the first rule that fits a request strikes. */
export function createFaultQueue(random: () => number) {
  let waiting: { rule: FaultRule; left: number }[] = []
  return {
    set(rules: readonly FaultRule[]) {
      waiting = rules.map((rule) => ({
        rule,
        left: rule.count ?? (rule.probability === undefined ? 1 : Number.POSITIVE_INFINITY),
      }))
    },
    list: () => waiting.map(({ rule, left }) => ({ ...rule, left: Number.isFinite(left) ? left : null })),
    take(path: string, body: string): Strike | undefined {
      const hit = waiting.find(({ rule }) => {
        const fits = rule.match === undefined || path.includes(rule.match) || body.includes(rule.match)
        return fits && (rule.probability === undefined || random() < rule.probability)
      })
      if (!hit) return undefined
      hit.left--
      if (hit.left <= 0) waiting = waiting.filter((other) => other !== hit)
      return { fault: hit.rule.fault, retryAfterSeconds: hit.rule.retryAfterSeconds }
    },
  }
}
export type FaultQueue = ReturnType<typeof createFaultQueue>
