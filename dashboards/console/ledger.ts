import type { Answer } from '#shared/domain/answer.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { Claim, Verdict } from '#shared/domain/verdict.ts'
import { type Html, html, webAddress } from './html.ts'

/** One source as the reader sees it: the number in the text, and the words that were checked against. */
type Source = { readonly n: number; readonly title: string; readonly url: string | undefined; readonly quote: string }

export function sourcesOf(answer: Answer | undefined, passages: readonly Passage[]): Source[] {
  const cited = answer?.citations ?? []
  const rest = passages.filter(({ n }) => !cited.some((citation) => citation.n === n))
  return [
    ...cited.map(({ n, title, url, quote }) => ({ n, title, url, quote })),
    ...(cited.length > 0 ? [] : rest.map(({ n, title, url, text }) => ({ n, title, url, quote: text }))),
  ].toSorted((a, b) => a.n - b.n)
}

/** The answer's text; every `[n]` leads to its source. */
export function answerText(text: string, sources: readonly Source[]): Html {
  const numbers = new Set(sources.map(({ n }) => n))
  const parts = text.split(/(\[\d{1,3}\])/)
  return html`<blockquote class="answer">${parts.map((part) => {
    const n = /^\[\d{1,3}\]$/.test(part) ? Number(part.slice(1, -1)) : undefined
    return n !== undefined && numbers.has(n) ? sourceLink(n) : part
  })}</blockquote>`
}

const sourceLink = (n: number) => html`<a class="cite" href="#source-${n}" aria-label="source ${n}">[${n}]</a>`

/** Every sentence, whether it holds, and the words it rests on. */
export function claimLedger(verdict: Verdict, sources: readonly Source[]): Html {
  const numbers = new Set(sources.map(({ n }) => n))
  return html`<div class="scroll"><table class="ledger"><caption>Claim ledger: each sentence and the words of its source</caption>
<thead><tr><th scope="col">Checked</th><th scope="col">Sentence</th><th scope="col">Rests on</th></tr></thead>
<tbody>${verdict.claims.map((claim, i) => claimRow(claim, verdict.cut.includes(i), numbers))}</tbody></table></div>`
}

function claimRow(claim: Claim, cut: boolean, numbers: ReadonlySet<number>): Html {
  const [kind, word] =
    claim.kind === 'courtesy' ? ['plain', 'courtesy'] : claim.supported ? ['good', 'supported'] : ['bad', 'unsupported']
  return html`<tr class="${kind}"><td><span class="badge ${kind}">${word}</span>${cut && html` <span class="badge plain">cut</span>`}
${claim.kind === 'claim' && html`<span class="score" title="share of the claim that its evidence covers">${Math.round(claim.score * 100)} %</span>`}</td>
<td>${cut ? html`<del>${claim.text}</del>` : claim.text} ${claim.citations.map((n) => (numbers.has(n) ? html` ${sourceLink(n)}` : html` [${n}]`))}
${claim.reason && html`<p class="reason">${claim.reason}</p>`}</td>
<td>${claim.evidence ? html`<q>${claim.evidence.text}</q> ${numbers.has(claim.evidence.n) ? sourceLink(claim.evidence.n) : html`[${claim.evidence.n}]`}` : html`<span class="quiet">${claim.kind === 'courtesy' ? 'claims nothing' : 'no words in the sources'}</span>`}</td></tr>`
}

export function sourceList(sources: readonly Source[]): Html {
  return html`<ol class="sources">${sources.map(({ n, title, url, quote }) => {
    const address = webAddress(url)
    return html`<li id="source-${n}" tabindex="-1"><p><b>[${n}]</b> ${address ? html`<a href="${address}" rel="noopener noreferrer">${title}</a>` : title}</p><blockquote>${quote}</blockquote></li>`
  })}</ol>`
}
