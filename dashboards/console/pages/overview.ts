import type { RunStatus } from '#shared/domain/run.ts'
import type { RecentTicket, TenantFigures } from '#shared/ports/console-store.ts'
import type { QueueDepth } from '#shared/ports/dispatcher.ts'
import type { Escalation } from '#shared/ports/escalation-store.ts'
import type { DeadLetter } from '#shared/ports/run-log.ts'
import { ago, clip, count, dollars, durationText, plural, severityBadge, statusBadge, statusWords } from '../format.ts'
import { type Html, html } from '../html.ts'

export type OverviewModel = {
  readonly figures: TenantFigures
  readonly tickets: readonly RecentTicket[]
  /** Undefined when the queues cannot be reached. */
  readonly depths: readonly QueueDepth[] | undefined
  readonly escalations: readonly Escalation[]
  /** Undefined for viewers who may not see them. */
  readonly deadLetters: readonly DeadLetter[] | undefined
  readonly status: RunStatus | undefined
  readonly refreshSeconds: number | undefined
  readonly now: Date
}

const SHOWN: readonly RunStatus[] = [
  'queued',
  'running',
  'delayed',
  'parked',
  'waiting',
  'answered',
  'closed',
  'cancelled',
  'dead',
]

export function overviewPage(model: OverviewModel): Html {
  return html`<div class="title"><h1>Overview</h1>
<p class="quiet">Last 24 hours, and everything not at rest · ${
    model.refreshSeconds
      ? html`reloads every ${model.refreshSeconds} s · <a href="/console">stop</a>`
      : html`<a href="/console?refresh=15">reload every 15 s</a>`
  }</p></div>
<form class="find" method="get" action="/console/find"><label for="find">Ticket or run id</label> <input id="find" name="id" required maxlength="100" placeholder="tkt_… or run_…" autocomplete="off" spellcheck="false"> <button>Open</button></form>
${tiles(model)}
<div class="columns"><section aria-labelledby="h-tickets" class="wide"><h2 id="h-tickets">Latest tickets${model.status && html`: ${statusWords(model.status)} <a class="more" href="/console">show all</a>`}</h2>${ticketTable(model)}</section>
<div><section aria-labelledby="h-esc"><h2 id="h-esc">Open escalations <a class="more" href="/console/escalations">all</a></h2>${escalationList(model)}</section>
${model.deadLetters && html`<section aria-labelledby="h-dl"><h2 id="h-dl">Dead letters <a class="more" href="/console/dead-letters">all</a></h2>${letterList(model.deadLetters, model.now)}</section>`}
<section aria-labelledby="h-q"><h2 id="h-q">Queues</h2>${queueTable(model.depths)}</section></div></div>`
}

function tiles({ figures, status }: OverviewModel): Html {
  const counts = new Map(figures.byStatus.map(({ status, count }) => [status, count]))
  return html`<ul class="tiles">${SHOWN.map((name) => {
    const n = counts.get(name) ?? 0
    return html`<li><a class="tile s-${name}${n === 0 ? ' zero' : ''}" href="/console?status=${name}"${name === status && html` aria-current="true"`}><b>${count(n)}</b> ${statusWords(name)}</a></li>`
  })}<li><p class="tile"><b>${dollars(figures.costUsd)}</b> ${plural(figures.modelCalls, 'model call')}</p></li></ul>`
}

function ticketTable({ tickets, status, now }: OverviewModel): Html {
  if (tickets.length === 0 && status) return html`<p class="empty">None with this status.</p>`
  if (tickets.length === 0)
    return html`<p class="empty">No tickets yet. Send one with <code>POST /v1/tickets</code> or <code>answerline ask "…"</code>.</p>`
  return html`<div class="scroll"><table class="tickets"><thead><tr><th scope="col">Ticket</th><th scope="col">Status</th><th scope="col">Intent</th><th scope="col">Came</th><th scope="col" class="n">Took</th><th scope="col" class="n">Cost</th></tr></thead>
<tbody>${tickets.map(
    (
      ticket,
    ) => html`<tr><td><a href="/console/runs/${ticket.runId}">${ticketTitle(ticket)}</a><br><span class="quiet id">${ticket.ticketId}</span></td>
<td>${statusBadge(ticket.status)}<br><span class="quiet">${ticket.endedAt ? '' : ticket.step}</span></td>
<td>${severityBadge(ticket.severity)} ${ticket.intent?.replaceAll('_', ' ')}</td><td>${ago(ticket.createdAt, now)}</td>
<td class="n">${ticket.endedAt ? durationText(ticket.endedAt.getTime() - ticket.createdAt.getTime()) : '–'}</td><td class="n">${dollars(ticket.costUsd)}</td></tr>`,
  )}</tbody></table></div>`
}

const ticketTitle = ({ subject, opening }: RecentTicket) =>
  subject ? clip(subject, 90) : opening ? clip(opening, 90) : '(not screened yet)'

function escalationList({ escalations, figures, now }: OverviewModel): Html {
  if (escalations.length === 0) return html`<p class="empty">Nobody waits for a person.</p>`
  return html`<ul class="list">${escalations.map(
    (
      escalation,
    ) => html`<li>${severityBadge(escalation.severity)} <a href="/console/escalations#${escalation.id}">${clip(escalation.summary, 90)}</a>
<span class="quiet">${escalation.reason} · ${ago(escalation.createdAt, now)}${escalation.claimedBy && ` · held by ${escalation.claimedBy}`}</span></li>`,
  )}</ul>${figures.openEscalations > escalations.length && html`<p class="quiet">and ${figures.openEscalations - escalations.length} more</p>`}`
}

function letterList(letters: readonly DeadLetter[], now: Date): Html {
  if (letters.length === 0) return html`<p class="empty">None. Nothing failed for good.</p>`
  return html`<ul class="list">${letters.map(
    (letter) =>
      html`<li><a href="/console/runs/${letter.runId}"><code>${letter.code}</code> in ${letter.step}</a> <span class="quiet">${ago(letter.createdAt, now)}</span></li>`,
  )}</ul>`
}

function queueTable(depths: readonly QueueDepth[] | undefined): Html {
  if (!depths)
    return html`<p class="notice bad">The queues cannot be reached. Runs are safe in PostgreSQL and go on when Redis is back.</p>`
  const byPipeline = Map.groupBy(depths, ({ queue }) => queue.slice(0, Math.max(0, queue.lastIndexOf('.'))))
  return html`<div class="scroll"><table class="tight"><thead><tr><th scope="col">Step</th><th scope="col" class="n">Waiting</th><th scope="col" class="n">Active</th><th scope="col" class="n">Delayed</th><th scope="col" class="n">Failed</th></tr></thead>
${[...byPipeline].map(([pipeline, queues]) => html`<tbody>${pipeline && html`<tr><th colspan="5" scope="rowgroup" class="group">${pipeline}</th></tr>`}${queues.map(queueRow)}</tbody>`)}</table></div>`
}

const queueRow = ({ queue, waiting, active, delayed, failed }: QueueDepth) =>
  html`<tr><th scope="row">${queue.slice(queue.lastIndexOf('.') + 1)}</th>${[waiting, active, delayed, failed].map((n, i) => html`<td class="n${n === 0 ? ' zero' : ''}${i === 3 && n > 0 ? ' bad' : ''}">${count(n)}</td>`)}</tr>`
