import { factsIn } from '#shared/text/facts-in-text.ts'

/** At least one of these says what the sentence is for. */
const PURPOSE = new Set(
  'hello hi dear greetings welcome thank thanks sorry apologise apologize apologies hope help helps assist assistance regards sincerely glad happy contact reach reply ask questions question know'.split(
    ' ',
  ),
)
/** And it may hold no other words than these: one more, such as "refund", and it claims something. */
const ALSO = new Set(
  `a am an and any anything are at be been by can colleague colleagues could customer day do else feel for forward free from further good great hear here
  i if im in is it its kind let like look looking may me message more morning my need of on or other our out part person please questions reaching
  problem service so much support team that the there this to touch trouble us we well were weve with would writing you your youre inconvenience getting
  best afternoon evening sir madam having about`.split(/\s+/),
)
const MAX_WORDS = 24

/**
 * True of a greeting, thanks, an apology, an offer of help or a pointer to a person, and of nothing else: a closed list of words
 * and no checkable item. Promises ("we will …") and denials are claims.
 */
export function isCourtesy(text: string): boolean {
  const bare = text.replace(/\[[A-Z][A-Z_]{0,30}_\d{1,6}\]/g, ' ')
  const words =
    bare
      .toLowerCase()
      .replace(/[’']/g, '')
      .match(/[\p{L}\p{N}]+/gu) ?? []
  if (words.length === 0 || words.length > MAX_WORDS || factsIn(bare).length > 0) return false
  return words.some((word) => PURPOSE.has(word)) && words.every((word) => PURPOSE.has(word) || ALSO.has(word))
}
