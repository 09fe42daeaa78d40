/** `value` is ISO: `2025-03-03`, `2025-03`, `--03-03` (no year), `--03` (a month alone). Day-month order unknown: both, joined by `|`. */
export type DateInText = { readonly value: string; readonly start: number; readonly end: number }

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const MONTH =
  '(January|February|March|April|May|June|July|August|September|October|November|December|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept|Sep|Oct|Nov|Dec)\\.?)(?![\\p{L}])'
const DAY = '(\\d{1,2})(?:st|nd|rd|th)?(?![\\d\\p{L}])'
const YEAR = '((?:1[0-9]|20|21)\\d{2})(?!\\d)'
const EDGE = '(?<![\\p{L}\\p{N}])'

type Form = { pattern: RegExp; read: (groups: readonly (string | undefined)[]) => string | undefined }

/** Tried in this order; an earlier form keeps its characters. */
const FORMS: readonly Form[] = [
  { pattern: /(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?![\d-])/gu, read: ([, y, m, d]) => iso(y, Number(m), Number(d)) },
  {
    pattern: new RegExp(`${EDGE}${DAY} (?:of )?${MONTH}(?: ?,? ${YEAR})?`, 'gu'),
    read: ([, d, m, y]) => iso(y, monthOf(m), Number(d)),
  },
  {
    pattern: new RegExp(`${EDGE}${MONTH} ${DAY}(?!,\\d)(?: ?,? ${YEAR})?`, 'gu'),
    read: ([, m, d, y]) => iso(y, monthOf(m), Number(d)),
  },
  { pattern: new RegExp(`${EDGE}${MONTH},? (?:of )?${YEAR}`, 'gu'), read: ([, m, y]) => `${y}-${two(monthOf(m))}` },
  {
    pattern: /(?<![\d/.])(\d{1,2})([/.])(\d{1,2})\2(\d{4})(?![\d/])/gu,
    read: ([, a, , b, y]) => eitherOrder(Number(a), Number(b), y!),
  },
  {
    pattern: new RegExp(
      `(?<=\\b(?:in|since|until|till|by|from|to|of|before|after|during|through|and|or|mid|early|late)[ -])${MONTH}`,
      'gu',
    ),
    read: ([, m]) => `--${two(monthOf(m))}`,
  },
]

/** Dates in English text, form by form; linear in the text. Characters marked in `taken` belong to something else; those of dates are marked. */
export function datesIn(text: string, taken = new Uint8Array(text.length)): DateInText[] {
  const found: DateInText[] = []
  for (const { pattern, read } of FORMS) {
    for (const match of text.matchAll(pattern)) {
      const start = match.index
      const end = start + match[0].length
      const value = read(match)
      if (value === undefined || taken.subarray(start, end).includes(1)) continue
      taken.fill(1, start, end)
      found.push({ value, start, end })
    }
  }
  return found
}

const two = (value: number): string => String(value).padStart(2, '0')
const monthOf = (name: string | undefined): number => MONTHS.indexOf((name ?? '').slice(0, 3).toLowerCase()) + 1

function iso(year: string | undefined, month: number, day: number): string | undefined {
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined
  return `${year ?? '-'}-${two(month)}-${two(day)}`
}

function eitherOrder(first: number, second: number, year: string): string | undefined {
  const orders = [iso(year, second, first), iso(year, first, second)].filter((date) => date !== undefined)
  return orders.length === 0 ? undefined : [...new Set(orders)].join('|')
}
