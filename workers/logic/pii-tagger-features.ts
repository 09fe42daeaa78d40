import { type Look, looksOf, PAD, type Run, runsOf, type TaggedToken, tokensOf } from './pii-looks.ts'

/** A text as the tagger sees it. */
export type Seen = {
  readonly tokens: readonly TaggedToken[]
  readonly looks: readonly Look[]
  readonly runs: readonly (Run | undefined)[]
  /** What the patterns found at each token, as hashes; 0 for nothing. */
  readonly rules: Int32Array
  /** Nobody's writing has capitals there, or all of it has: then they say nothing. */
  readonly casing: number
}

export function seenOf(text: string, rulesOf: (tokens: readonly TaggedToken[]) => Int32Array): Seen {
  const tokens = tokensOf(text)
  const looks = looksOf(tokens)
  const isSmall = looks.every(({ isCapital }) => !isCapital)
  const isLarge = !isSmall && tokens.length > 2 && !/\p{Ll}/u.test(text)
  return { tokens, looks, runs: runsOf(tokens, looks), rules: rulesOf(tokens), casing: isSmall ? 1 : isLarge ? 2 : 0 }
}

/** The finalizer of MurmurHash3 over two numbers. */
export function mix(a: number, b: number): number {
  let hash = Math.imul(a ^ Math.imul(b, 0xcc9e2d51), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** The word before the colon that labels this place ("Phone:", also at the end of the line before), looked for a few tokens back. */
const LABEL_REACH = 8
function labelOf({ tokens, looks }: Seen, at: number): number {
  for (let back = 1; back <= LABEL_REACH && at - back >= 1; back++) {
    if (tokens[at - back]!.text === ':') return mix(looks[at - back - 1]!.wordHash, Math.min(back, 3))
    if (tokens[at - back + 1]!.afterBreak && back > 3) return 0
  }
  return 0
}

const OPENS_SENTENCE = new Set(['.', '!', '?', ':', '"', '“', '”', '—', '*', '-'])
const endingOf = (word: string, size: number) => {
  let hash = size
  for (let at = Math.max(0, word.length - size); at < word.length; at++) hash = mix(hash, word.charCodeAt(at))
  return hash
}
const startOf = (word: string, size: number) => {
  let hash = size + 16
  for (let at = 0; at < Math.min(word.length, size); at++) hash = mix(hash, word.charCodeAt(at))
  return hash
}

/** The features of one token: `plain` of its form and its neighbours' forms, `lexical` of words, `named` of the lists of names. */
export type TokenFeatures = { readonly plain: Int32Array; readonly lexical: Int32Array; readonly named: Int32Array }

/**
 * What a token says about its tag whatever stands before it. Words and lists are given apart: training leaves some of them out, so
 * that the tagger learns neither its texts nor its lists by heart.
 */
export function tokenFeatures(seen: Seen, at: number): TokenFeatures {
  const { looks } = seen
  const [bb, b, o, a, aa] = [looks[at - 2] ?? PAD, looks[at - 1] ?? PAD, looks[at]!, looks[at + 1] ?? PAD, looks[at + 2] ?? PAD]
  const plain = [...formFeatures(seen, at, [bb, b, o, a, aa]), ...runFeatures(seen, at)]
  return {
    plain: Int32Array.from(plain),
    lexical: Int32Array.from(wordFeatures(seen, at, [bb, b, o, a, aa])),
    named: Int32Array.from(nameFeatures(seen, at, b, o, a)),
  }
}

type Around = readonly [Look, Look, Look, Look, Look]

function formFeatures({ tokens, looks, rules, casing }: Seen, at: number, [bb, b, o, a, aa]: Around): number[] {
  const rule = rules[at]!
  const [ruleBefore, ruleAfter] = [rules[at - 1] ?? 0, rules[at + 1] ?? 0]
  const startsLine = tokens[at]!.afterBreak || at === 0
  const startsSentence = startsLine || OPENS_SENTENCE.has(b.text)
  const endsLine = tokens[at + 1]?.afterBreak ?? true
  const [s, k] = [o.shapeHash, o.kindHash]
  const ks = mix(k, s)
  const features = [
    mix(1, s),
    mix(mix(2, b.shapeHash), s),
    mix(mix(3, s), a.shapeHash),
    mix(mix(mix(4, b.shapeHash), s), a.shapeHash),
    mix(mix(mix(5, bb.shapeHash), b.shapeHash), s),
    mix(mix(mix(6, s), a.shapeHash), aa.shapeHash),
    mix(mix(7, (b.gluedToNext ? 2 : 0) + (o.gluedToNext ? 1 : 0)), s),
    mix(mix(8, rule), ruleBefore === rule ? 1 : 0),
    mix(9, ruleBefore),
    mix(10, ruleAfter),
    mix(11, ks),
    mix(mix(12, b.kindHash), s),
    mix(mix(13, a.kindHash), s),
    mix(mix(14, b.kindHash), ks),
    mix(mix(15, ks), a.kindHash),
    mix(mix(mix(16, b.kindHash), k), a.kindHash),
    mix(mix(mix(17, bb.kindHash), b.kindHash), ks),
    mix(mix(mix(18, ks), a.kindHash), aa.kindHash),
    mix(mix(19, ks), (startsLine ? 2 : 0) + (endsLine ? 1 : 0)),
    mix(mix(20, s), (startsSentence ? 4 : 0) + casing),
    mix(mix(21, ks), startsSentence ? 1 : 0),
  ]
  if (looks[at]!.text.length > 2 && /^\p{L}/u.test(o.text))
    features.push(mix(mix(22, endingOf(o.text, 2)), s), mix(23, endingOf(o.text, 3)), mix(mix(24, endingOf(o.text, 3)), k))
  return features
}

/** What the whole row of capitalised words says to each of its words: how it ends, what leads to it and what follows it. */
function runFeatures({ looks, runs }: Seen, at: number): number[] {
  const run = runs[at]
  if (!run) return []
  const { from, to } = run
  const place = (at === from ? 2 : 0) + (at === to - 1 ? 1 : 0)
  const size = Math.min(to - from, 4)
  const [first, last] = [looks[from]!, looks[to - 1]!]
  const [lead, next] = [looks[from - 1] ?? PAD, looks[to] ?? PAD]
  let kinds = 0
  for (let one = from; one < to; one++)
    if (looks[one]!.kind !== 'rare' && looks[one]!.kind !== 'common') kinds |= 1 << (looks[one]!.kindHash & 31)
  return [
    mix(mix(30, size), place),
    mix(mix(31, last.kindHash), place),
    mix(mix(32, first.kindHash), place),
    mix(mix(33, lead.kindHash), mix(size, place)),
    mix(mix(34, next.shapeHash), mix(size, place)),
    mix(mix(35, lead.shapeHash), mix(last.kindHash, size)),
    mix(36, kinds),
    mix(mix(37, lead.shapeHash), next.shapeHash),
  ]
}

function wordFeatures(seen: Seen, at: number, [bb, b, o, a, aa]: Around): number[] {
  const s = o.shapeHash
  const ks = mix(o.kindHash, s)
  const features = [
    mix(50, o.wordHash),
    mix(51, b.wordHash),
    mix(52, a.wordHash),
    mix(53, bb.wordHash),
    mix(54, aa.wordHash),
    mix(mix(55, b.wordHash), o.wordHash),
    mix(mix(56, o.wordHash), a.wordHash),
    mix(mix(57, bb.wordHash), b.wordHash),
    mix(mix(58, a.wordHash), aa.wordHash),
    mix(mix(59, b.wordHash), s),
    mix(mix(60, a.wordHash), s),
    mix(mix(61, b.wordHash), ks),
    mix(mix(62, a.wordHash), ks),
    mix(mix(63, bb.wordHash), ks),
    mix(mix(64, labelOf(seen, at)), s),
    mix(mix(mix(65, bb.wordHash), b.wordHash), s),
  ]
  if (o.text.length > 4) features.push(mix(66, startOf(o.text, 3)), mix(mix(67, endingOf(o.text, 4)), s))
  const run = seen.runs[at]
  if (run) {
    const [lead, next] = [seen.looks[run.from - 1] ?? PAD, seen.looks[run.to] ?? PAD]
    const beforeLead = seen.looks[run.from - 2] ?? PAD
    features.push(
      mix(70, lead.wordHash),
      mix(71, next.wordHash),
      mix(mix(72, lead.wordHash), next.wordHash),
      mix(mix(73, beforeLead.wordHash), lead.wordHash),
      mix(mix(74, lead.wordHash), seen.looks[run.to - 1]!.kindHash),
    )
  }
  return features
}

function nameFeatures({ looks, runs, casing }: Seen, at: number, b: Look, o: Look, a: Look): number[] {
  const features = [
    mix(mix(80, o.names), o.shapeHash),
    mix(mix(81, b.names), mix(o.names, o.shapeHash)),
    mix(mix(82, o.names), mix(a.names, o.shapeHash)),
    mix(mix(83, o.names), mix(o.kindHash, casing)),
    mix(mix(84, b.wordHash), o.names),
    mix(mix(85, a.wordHash), o.names),
  ]
  const run = runs[at]
  if (run) {
    const [first, last] = [looks[run.from]!.names, looks[run.to - 1]!.names]
    features.push(
      mix(mix(86, first), mix(last, Math.min(run.to - run.from, 4))),
      mix(mix(87, (looks[run.from - 1] ?? PAD).wordHash), mix(first, last)),
    )
  }
  return features
}

/** What the tags before it add. */
export function historyFeatures({ looks }: Seen, at: number, last: number, beforeLast: number): number[] {
  const o = looks[at]!
  const b = looks[at - 1] ?? PAD
  const t = mix(90, last + 1)
  const ks = mix(o.kindHash, o.shapeHash)
  return [
    t,
    mix(mix(91, beforeLast + 1), t),
    mix(mix(92, t), o.wordHash),
    mix(mix(93, t), ks),
    mix(mix(94, t), mix(b.kindHash, ks)),
    mix(mix(95, t), mix(o.shapeHash, (looks[at + 1] ?? PAD).shapeHash)),
    mix(mix(96, t), b.wordHash),
    mix(mix(97, mix(t, beforeLast + 1)), mix(b.shapeHash, o.shapeHash)),
    mix(mix(98, t), mix(o.names, o.shapeHash)),
  ]
}
