import type { Run } from '#shared/domain/run.ts'
import type { Escalation } from '#shared/ports/escalation-store.ts'
import { ago, plural, severityBadge } from '../format.ts'
import { type Html, html, webAddress } from '../html.ts'
import { claimLedger } from '../ledger.ts'
import { factsOf, ticketText } from './run.ts'

export const MAX_ANSWER_CHARACTERS = 20_000

export type EscalationsModel = {
  readonly escalations: readonly Escalation[]
  /** The runs of those that the viewer holds. */
  readonly runs: ReadonlyMap<string, Run>
  readonly mine: boolean
  /** There are more than are shown. */
  readonly more: boolean
  readonly actor: string
  readonly formToken: string
  readonly now: Date
}

export function escalationsPage(model: EscalationsModel): Html {
  const { escalations, mine } = model
  return html`<div class="title"><h1>Escalations</h1><p class="quiet">${model.more ? `the ${escalations.length} most urgent open cases; others wait behind them` : plural(escalations.length, 'open case')}${mine ? ' held by you' : ''} · ${
    mine ? html`<a href="/console/escalations">all open</a>` : html`<a href="/console/escalations?mine=1">only mine</a>`
  }</p></div>
${escalations.length === 0 ? html`<p class="empty">Nobody waits for a person. Well done.</p>` : escalations.toSorted(byUrgency).map((escalation) => card(escalation, model))}`
}

/** P0 first, then who waits longest. */
const byUrgency = (a: Escalation, b: Escalation) =>
  a.severity.localeCompare(b.severity) || a.createdAt.getTime() - b.createdAt.getTime()

function card(escalation: Escalation, model: EscalationsModel): Html {
  const held = escalation.claimedBy === model.actor
  const run = held ? model.runs.get(escalation.runId) : undefined
  return html`<article class="card${held ? ' mine' : ''}" id="${escalation.id}" aria-labelledby="t-${escalation.id}">
<h2 id="t-${escalation.id}">${severityBadge(escalation.severity)} ${escalation.summary}</h2>
<p class="quiet">${escalation.reason} · came ${ago(escalation.createdAt, model.now)} · expires ${ago(escalation.expiresAt, model.now)} · <a href="/console/runs/${escalation.runId}">full run</a> · <span class="id">${escalation.ticketId}</span></p>
${run ? workbench(escalation, run, model) : html`${evidenceList(escalation, false)}${claimForm(escalation, model)}`}
</article>`
}

function evidenceList(escalation: Escalation, open: boolean): Html | string {
  if (escalation.evidence.length === 0) return ''
  return html`<details${open && html` open`}><summary>Evidence (${escalation.evidence.length})</summary><ol class="sources">${escalation.evidence.map(
    ({ title, url, text }) => {
      const address = webAddress(url)
      return html`<li><p>${address ? html`<a href="${address}" rel="noopener noreferrer">${title}</a>` : title}</p><blockquote>${text}</blockquote></li>`
    },
  )}</ol></details>`
}

function claimForm(escalation: Escalation, model: EscalationsModel): Html {
  if (escalation.claimedBy)
    return html`<p>Held by <b>${escalation.claimedBy}</b>${escalation.claimedAt && html` since ${ago(escalation.claimedAt, model.now)}`}.</p>`
  return html`<form method="post" action="/console/escalations/${escalation.id}/claim">${hidden(model.formToken)}<button>Take this case</button></form>`
}

/** All a reviewer needs on one page: the ticket, what was drafted and why it did not hold, the sources, and the two decisions. */
function workbench(escalation: Escalation, run: Run, { formToken }: EscalationsModel): Html {
  const { screened, verdict, draft } = factsOf(run)
  const id = escalation.id
  const suggestion = (draft?.sentences ?? []).filter((_, i) => verdict?.claims[i]?.supported !== false).map(({ text }) => text)
  return html`<div class="columns even"><div><h3>Ticket</h3>${screened ? ticketText(screened) : html`<p class="empty">Not screened.</p>`}${evidenceList(escalation, true)}</div>
<div><h3>Decide</h3><form method="post" action="/console/escalations/${id}/answer">${hidden(formToken)}
<label for="a-${id}">Your answer to the customer</label><p class="hint" id="ah-${id}">Placeholders such as [EMAIL_1] become the customer’s own data again when it is sent.${suggestion.length > 0 && ' It starts with the sentences of the draft that held.'}</p>
<textarea id="a-${id}" name="text" rows="8" required maxlength="${MAX_ANSWER_CHARACTERS}" aria-describedby="ah-${id}">
${suggestion.join(' ')}</textarea><button>Send answer</button></form>
<form method="post" action="/console/escalations/${id}/dismiss" class="inline">${hidden(formToken)}<label for="d-${id}">Or close it without an answer, because</label> <input id="d-${id}" name="reason" required maxlength="500"> <button class="second">Dismiss</button></form></div></div>
${verdict && html`<details><summary>What was drafted, and what held</summary>${claimLedger(verdict, [])}</details>`}`
}

const hidden = (formToken: string) => html`<input type="hidden" name="_token" value="${formToken}">`
