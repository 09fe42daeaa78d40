import type { DeadLetter } from '#shared/ports/run-log.ts'
import { hidePersonalShapes } from '#shared/text/hide-personal-shapes.ts'
import { ago, clip, plural } from '../format.ts'
import { type Html, html } from '../html.ts'

export type DeadLettersModel = {
  readonly letters: readonly DeadLetter[]
  readonly step: string | undefined
  readonly code: string | undefined
  readonly limit: number
  readonly formToken: string
  readonly now: Date
}

export function deadLettersPage(model: DeadLettersModel): Html {
  const { letters, step, code, formToken, now, limit } = model
  const filtered = step !== undefined || code !== undefined
  return html`<div class="title"><h1>Dead letters</h1><p class="quiet">${letters.length >= limit ? `the latest ${limit}` : plural(letters.length, 'open one')}${filtered && html` · <a href="/console/dead-letters">show all</a>`}</p></div>
<p class="hint">Each is a step that failed for good. A ticket then goes to a person where it still can; a callback, a document or a part of a document set rests until it is sent round again. Remove the cause, then redrive the step.</p>
${
  letters.length === 0
    ? html`<p class="empty">None${filtered ? ' like that' : '. Nothing failed for good'}.</p>`
    : html`${groups(letters)}
<form method="post" action="/console/dead-letters/redrive"><input type="hidden" name="_token" value="${formToken}">
<section><div class="scroll"><table class="letters"><thead><tr><th scope="col"><span class="hidden">Choose</span></th><th scope="col">Code</th><th scope="col">Step</th><th scope="col">What happened</th><th scope="col">Run</th><th scope="col">When</th></tr></thead>
<tbody>${letters.map(
        (
          letter,
        ) => html`<tr><td><input type="hidden" name="shown" value="${letter.id}"><input type="checkbox" name="id" value="${letter.id}" id="c-${letter.id}" aria-label="choose ${letter.code} in ${letter.step} of ${letter.runId}"></td>
<td><code>${letter.code}</code></td><td>${letter.pipeline}.${letter.step}</td><td>${clip(hidePersonalShapes(letter.message), 240)}</td>
<td><a class="id" href="/console/runs/${letter.runId}">${letter.runId}</a></td><td>${ago(letter.createdAt, now)}</td></tr>`,
      )}</tbody></table></div></section>
<p class="actions"><button>Redrive the chosen</button> <button name="all" value="1" class="second">Redrive all ${letters.length} on this page</button></p></form>`
}`
}

/** What is broken is seen faster in groups than in rows. */
function groups(letters: readonly DeadLetter[]): Html {
  const byKind = Map.groupBy(letters, ({ step, code }) => `${step}\n${code}`)
  return html`<ul class="groups">${[...byKind.values()]
    .toSorted((a, b) => b.length - a.length)
    .map((group) => {
      const { step, code } = group[0]!
      const query = new URLSearchParams({ step, code })
      return html`<li><a href="/console/dead-letters?${query.toString()}"><b>${group.length}×</b> <code>${code}</code> in ${step}</a></li>`
    })}</ul>`
}

export const redriveForm = (ids: readonly string[], formToken: string, label: string, back: string) =>
  html`<form method="post" action="/console/dead-letters/redrive"><input type="hidden" name="_token" value="${formToken}"><input type="hidden" name="back" value="${back}">${ids.map((id) => html`<input type="hidden" name="id" value="${id}">`)}<button>${label}</button></form>`
