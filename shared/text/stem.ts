/**
 * Light English stemming: plural, -ing and -ed only, so that "updates", "updating" and "updated" meet and nothing else does.
 * Plurals follow the S-stemmer (Harman, "How effective is suffixing?", JASIS 42(1), 1991); a final -e goes, because it is what
 * -ing and -ed leave behind. Words with digits or letters beyond a–z, and words under five letters, stay as they are
 * (except plurals of four letters, such as "hubs").
 */
export function stem(word: string): string {
  if (!/^[a-z]{4,40}$/.test(word)) return word
  const singular = singularOf(word)
  const base = verbStemOf(singular)
  return base.length > 4 && base.endsWith('e') ? base.slice(0, -1) : base
}

function singularOf(word: string): string {
  if (!word.endsWith('s') || /(?:ss|us|is)$/.test(word)) return word
  if (word.endsWith('ies')) return word.length > 4 && !/[ae]ies$/.test(word) ? `${word.slice(0, -3)}y` : word
  if (/(?:ss|sh|ch|x|zz)es$/.test(word)) return word.slice(0, -2)
  return word.slice(0, -1)
}

function verbStemOf(word: string): string {
  const suffix = word.endsWith('ing') ? 3 : word.endsWith('ed') && !word.endsWith('eed') ? 2 : 0
  if (suffix === 0 || word.length - suffix < 3) return word
  const base = word.slice(0, -suffix)
  if (!/[aeiouy]/.test(base)) return word
  const doubled = base.length > 3 && base.at(-1) === base.at(-2) && !/[lsz]$/.test(base)
  return doubled ? base.slice(0, -1) : base
}
