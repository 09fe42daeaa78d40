const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'

const SMALL = new Map<string, number>([
  ...ONES.split(' ').map((word, value) => [word, value] as const),
  ...TENS.split(' ').map((word, index) => [word, (index + 2) * 10] as const),
])
const MAGNITUDES = new Map<string, number>([
  ['hundred', 100],
  ['dozen', 12],
  ['thousand', 1_000],
  ['million', 1e6],
  ['billion', 1e9],
  ['trillion', 1e12],
])
const WORD = [...SMALL.keys(), ...MAGNITUDES.keys()].sort((a, b) => b.length - a.length).join('|')

/** A number in words, up to eight of them: `twenty-five`, `two hundred and ten`, `three and a half`. */
export const NUMBER_WORDS = new RegExp(`\\b(?:${WORD})(?:(?:-| | and )(?:${WORD})){0,7}(?: and a half)?\\b`, 'gi')

export const magnitudeOf = (word: string): number | undefined => MAGNITUDES.get(word.toLowerCase())

/** The value of what `NUMBER_WORDS` found. */
export function numberInWords(words: string): number {
  let total = 0
  let group = 0
  for (const word of words.toLowerCase().split(/[\s-]+/)) {
    const magnitude = MAGNITUDES.get(word)
    if (word === 'half') group += 0.5
    else if (magnitude === undefined) group += SMALL.get(word) ?? 0
    else if (magnitude <= 100) group = Math.max(group, 1) * magnitude
    else {
      total += Math.max(group, 1) * magnitude
      group = 0
    }
  }
  return total + group
}
