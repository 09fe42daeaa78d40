export type InjectionCategory = 'override' | 'extraction' | 'jailbreak' | 'delimiter' | 'exfiltration' | 'tool-abuse' | 'encoded'
/** `weight` is the share of doubt the rule removes: 0.7 and more blocks alone at the default threshold, less needs company. */
export type InjectionRule = { name: string; category: InjectionCategory; weight: number; pattern: RegExp }

/** What may stand between two words of a phrase, also nothing (for joined spaced-out letters), but no end of a sentence. */
const GAP = '[\\s,;:"\'“”‘’«»()\\[\\]{}<>/\\\\|+=#*_~`-]'

/**
 * A pattern for folded text, written as a phrase: a space is any gap between words (up to three characters), `~` stands for up to
 * three words of any kind. Both are bounded and their alphabets are disjoint, so a phrase cannot be made to backtrack much.
 */
export function phrase(source: string): RegExp {
  const expanded = source.replaceAll('~', `(?:[^\\s.!?,;:]{1,20}${GAP}{1,3}){0,3}`).replaceAll(' ', `${GAP}{0,3}`)
  return new RegExp(`\\b(?:${expanded})`)
}

/** Alternatives, from one readable line. */
export const anyOf = (words: string) =>
  `(?:${words
    .trim()
    .split(/\s*\|\s*/)
    .join('|')})`

export const phraseRule = (category: InjectionCategory, name: string, weight: number, source: string): InjectionRule => ({
  name,
  category,
  weight,
  pattern: phrase(source),
})
