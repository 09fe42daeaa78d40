/** Shapes that mean something to the tagger but prove nothing: dates, times, years, ages. Bounded, so linear. */
export type Hint = { readonly type: string; readonly start: number; readonly end: number }

const HINTS: readonly (readonly [string, RegExp])[] = [
  [
    'DATE',
    /(?<![\p{L}\p{N}.,/-])(?:\d{4}[./-]\d{1,2}[./-]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2}))(?:[T ]\d{1,2}:\d{2}(?::\d{2})?)?(?![\p{L}\p{N}/-]|\.\d)/gu,
  ],
  ['TIME', /(?<![\p{L}\p{N}.,:])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?: ?[ap]\.?m)?(?![\p{L}\p{N}:])/giu],
  [
    'AGE',
    /(?<![\p{L}\p{N}.,/:-])(?:1[01]\d|\d{1,2})(?=[ -](?:years?|yrs?|y)(?:[ -]old|\/o|[ -]of age)(?!\p{L})|[ -]?y\/?o(?!\p{L})|[ -]year[ -]old)/giu,
  ],
  [
    'AGE',
    /(?<=(?:turn(?:ed|s|ing)?|aged?:?|age (?:is|of)|(?:just|now) turned) )(?:1[01]\d|\d{1,2})(?![\p{N}\p{L}/:.-]\d|[\p{N}\p{L}])/giu,
  ],
  ['AGE?', /(?<=(?:(?:i['’ ]?a?m|he['’]s|she['’]s|is|was|be) ))\d{2}(?=[.,;!?]|$| and | from )(?![.,]\d)/giu],
  ['YEAR', /(?<![\p{L}\p{N}.,/:-])(?:1[89]\d\d|20[0-4]\d)(?![\p{L}\p{N}/:-]|[.,]\d)/gu],
]

export const hintSpans = (text: string): Hint[] =>
  HINTS.flatMap(([type, pattern]) =>
    [...text.matchAll(pattern)].map(({ index, 0: match }) => ({ type, start: index, end: index + match.length })),
  )
