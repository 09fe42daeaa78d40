import { foldForMatching } from '#shared/text/normalize.ts'
import { encodeText, rawText } from './guard-encode.ts'
import { worstPassage } from './guard-passages.ts'
import { type GuardModel, shippedWeights } from './guard-weights.ts'
import { MAX_SCANNED_CHARACTERS, scoreInjection } from './injection-rules.ts'
import { decodedPieces } from './injection-rules-decoded.ts'

export type MessageScore = {
  /** 0 nothing … 1 certain; at 0.5 a message is as suspicious as the classifier's threshold asks for. */
  readonly score: number
  /** What hit: names of rules, `classifier`, `classifier:passage`, `classifier:decoded`. */
  readonly rules: string[]
}

const SLOPE = 4
/** Flatter for messages: between suspicious and blocked lies a decision to send a customer to a person. */
const MESSAGE_SLOPE = 2.5
/** A passage of a long message has to look worse than a whole one: of many passages one always looks a little bad. */
const PASSAGE_HANDICAP = 1.5
/**
 * Rules tell words, the classifier what customers write: rules raise its doubt by this much, but do not overrule it. Not in a long text:
 * there some rule hits nearly every story and every role play.
 */
const RULES_ADD = 0.2
export const SUSPICIOUS_FROM = 0.5
const MAX_DECODED_CHARACTERS = 20_000

/** Raw score -> 0..1, with 0.5 at the threshold. */
export const scoreFrom = (raw: number, threshold: number, slope = SLOPE) => 1 / (1 + Math.exp(-slope * (raw - threshold)))

/**
 * How strongly a message tries to instruct the machine instead of asking for help, from a linear classifier over hashed n-grams and
 * from rules. Looks at the whole, at passages of it and at what is encoded in it. `raw` is the text before normalisation.
 */
export function scoreMessage(text: string, raw = text, model: GuardModel = shippedWeights().message): MessageScore {
  // What is read twice is made once: folding and decoding are a third of the time.
  const folded = foldForMatching(text.slice(0, MAX_SCANNED_CHARACTERS))
  const pieces = decodedPieces(raw.slice(0, MAX_SCANNED_CHARACTERS))
  const byRules = scoreInjection(text, raw, folded, pieces)
  const score01 = (score: number) => scoreFrom(score, model.threshold, MESSAGE_SLOPE)
  const encoded = encodeText(text, model.bits, byRules.rules, folded)
  const wordless = !/\p{L}/u.test(text)
  const whole = wordless ? 0 : score01(rawText(model, encoded))
  const passage = wordless || whole >= SUSPICIOUS_FROM ? 0 : score01(worstPassage(encoded.grams, model) - PASSAGE_HANDICAP)
  const judge = (piece: string) => score01(rawText(model, encodeText(piece, model.bits, scoreInjection(piece).rules)))
  const judged = raw.length <= MAX_DECODED_CHARACTERS ? pieces : decodedPieces(raw.slice(0, MAX_DECODED_CHARACTERS))
  const hidden = judged.filter((piece) => piece.hidden)
  const decoded = Math.max(0, ...hidden.map((piece) => judge(piece.text)))

  const classifier = Math.max(whole, passage, decoded)
  const hiddenRule = byRules.rules.some((name) => name.startsWith('hidden-in-'))
  const total = Math.max(
    classifier,
    hiddenRule ? byRules.score : Math.min(byRules.score, classifier + (encoded.long ? 0 : RULES_ADD)),
  )
  const rules = [...byRules.rules]
  if (whole >= SUSPICIOUS_FROM) rules.push('classifier')
  else if (passage >= SUSPICIOUS_FROM) rules.push('classifier:passage')
  if (decoded >= SUSPICIOUS_FROM) rules.push('classifier:decoded')
  return { score: Math.round(total * 1000) / 1000, rules }
}
