import { contentTerms } from '#shared/text/tokenize.ts'
import { claimsIn, type PromptPassage } from './passages-in-prompt.ts'

const ENOUGH = 0.8

/** Verdicts by counting words, which is no reading: figures taken with them say how the path works, and nothing of any model. */
export function countedVerdicts(prompt: string, passages: readonly PromptPassage[]) {
  return claimsIn(prompt).map(({ claim, passages: cited, text }) => {
    const said = new Set(passages.filter(({ n }) => cited.includes(n)).flatMap((passage) => contentTerms(passage.text)))
    const terms = contentTerms(text)
    const held = terms.filter((term) => said.has(term)).length
    if (terms.length > 0 && held / terms.length >= ENOUGH) return { claim, verdict: 'entailed', why: '' }
    return { claim, verdict: 'not-stated', why: `The simulator finds ${held} of ${terms.length} words.` }
  })
}
