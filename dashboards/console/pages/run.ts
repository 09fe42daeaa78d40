import * as z from 'zod'
import { pipelineNamed } from '#pipelines/registry.ts'
import { Answer, Ruling } from '#shared/domain/answer.ts'
import { Passages } from '#shared/domain/passage.ts'
import type { Attempt, Run } from '#shared/domain/run.ts'
import { Screened } from '#shared/domain/screened.ts'
import { Triage } from '#shared/domain/triage.ts'
import { Verdict } from '#shared/domain/verdict.ts'
import type { RecordedCall } from '#shared/ports/console-store.ts'
import type { Reply } from '#shared/ports/conversation-store.ts'
import type { Escalation } from '#shared/ports/escalation-store.ts'
import type { DeadLetter } from '#shared/ports/run-log.ts'
import { flowPicture } from '../flow.ts'
import { ago, count, dollars, durationText, exact, plural, severityBadge, statusBadge } from '../format.ts'
import { type Html, html } from '../html.ts'
import { answerText, claimLedger, sourceList, sourcesOf } from '../ledger.ts'
import { redriveForm } from './dead-letters.ts'
import { timeline } from './timeline.ts'

export type RunModel = {
  readonly run: Run
  readonly attempts: readonly Attempt[]
  readonly calls: readonly RecordedCall[]
  readonly reply: Reply | undefined
  readonly escalation: Escalation | undefined
  /** Open ones of this run; empty for viewers who may not redrive. */
  readonly deadLetters: readonly DeadLetter[]
  readonly formToken: string
  readonly now: Date
}

/** The facts of a run as far as they are there and whole; an older version's fact is left to the timeline. */
export function factsOf(run: Run) {
  const read = <T>(name: string, schema: z.ZodType<T>): T | undefined => schema.safeParse(run.facts[name]).data
  return {
    screened: read('screened', Screened),
    triage: read('triage', Triage),
    passages: read('passages', Passages),
    verdict: read('verdict', Verdict),
    answer: read('answer', Answer),
    ruling: read('ruling', Ruling),
    draft: read('draft', z.object({ sentences: z.array(z.object({ text: z.string(), citations: z.array(z.int()) })) })),
  }
}

export function runPage(model: RunModel): Html {
  const { run, attempts, calls } = model
  const pipeline = pipelineNamed(run.pipeline)
  return html`<div class="title"><h1>Run <span class="id">${run.id}</span></h1><p>${statusBadge(run.status)} ${run.endedAt === null && html`at <b>${run.step}</b>`}</p></div>
${model.deadLetters.map((letter) => letterNotice(letter, model.formToken))}
${escalationNotice(model)}
${keyFigures(model)}
${pipeline ? flowPicture(pipeline, run, attempts) : html`<p class="quiet">The pipeline “${run.pipeline}” is not known to this version.</p>`}
${run.pipeline === 'support-ticket' && ticketSections(model)}
<section aria-labelledby="h-time"><h2 id="h-time">Timeline</h2>${timeline(run, attempts, calls)}</section>`
}

const letterNotice = (letter: DeadLetter, formToken: string) =>
  html`<div class="notice bad"><p><b>${letter.step}</b> failed for good: <code>${letter.code}</code></p>${redriveForm([letter.id], formToken, 'Send round again', `/console/runs/${letter.runId}`)}</div>`

function escalationNotice({ escalation, now }: RunModel): Html | string {
  if (!escalation || escalation.resolution) return ''
  return html`<p class="notice warn">${severityBadge(escalation.severity)} Waits for a person since ${ago(escalation.createdAt, now)}${escalation.claimedBy && `, held by ${escalation.claimedBy}`}: ${escalation.reason}. <a href="/console/escalations#${escalation.id}">Open in the queue</a></p>`
}

function keyFigures({ run, attempts, calls, now }: RunModel): Html {
  const tokens = calls.reduce((sum, { usage }) => sum + usage.inputTokens + usage.outputTokens, 0)
  const worked = attempts.reduce((sum, { startedAt, endedAt }) => sum + (endedAt.getTime() - startedAt.getTime()), 0)
  const figures: [string, Html | string][] = [
    ['Subject', html`<span class="id">${run.subjectId}</span>`],
    ['Pipeline', `${run.pipeline} v${run.version}`],
    ['Lane', run.lane],
    ['Began', html`${exact(run.createdAt)} (${ago(run.createdAt, now)})`],
    ['Took', run.endedAt ? durationText(run.endedAt.getTime() - run.createdAt.getTime()) : 'not at rest'],
    ['Worked', `${durationText(worked)} in ${plural(Math.max(0, attempts.length - 1), 'attempt')}`],
    [
      'Model',
      `${plural(calls.length, 'call')}, ${count(tokens)} tokens, ${dollars(calls.reduce((sum, call) => sum + call.costUsd, 0))}`,
    ],
    ['Trace', html`<span class="id">${run.traceId}</span>`],
  ]
  return html`<dl class="figures">${figures.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}

function ticketSections({ run, reply }: RunModel): Html {
  const { screened, triage, passages, verdict, answer, ruling } = factsOf(run)
  const sources = sourcesOf(answer, passages?.passages ?? [])
  return html`<div class="columns even"><section aria-labelledby="h-ticket"><h2 id="h-ticket">Ticket</h2>
${screened ? ticketText(screened) : html`<p class="empty">Not screened yet, so its text is not shown.</p>`}
${triage && triageLine(triage)}</section>
<section aria-labelledby="h-answer"><h2 id="h-answer">Answer</h2>
${answer ? html`<p class="quiet">${authorOf(answer)} · confidence ${Math.round(answer.confidence * 100)} % · ${reply ? html`delivered ${exact(reply.createdAt)}` : 'not delivered'}</p>${answer.by === 'person' ? html`<p class="hint">A person’s own words may hold personal data; they stand in the conversation only.</p>` : answerText(answer.text, sources)}` : html`<p class="empty">None${verdict ? ': what was drafted did not hold, see the ledger' : ''}.</p>`}
${ruling && html`<p class="quiet">${ruling.by} decided: ${ruling.decision}</p>`}</section></div>
${verdict && html`<section aria-labelledby="h-ledger"><h2 id="h-ledger">Proof</h2>${claimLedger(verdict, sources)}${checks(verdict)}</section>`}
${sources.length > 0 && html`<section aria-labelledby="h-sources"><h2 id="h-sources">Sources</h2>${sourceList(sources)}</section>`}`
}

/** As `screen` left it: personal data is masked. */
export const ticketText = (screened: Screened) =>
  html`<div class="ticket" lang="${screened.language === 'und' ? '' : screened.language}">${screened.subject && html`<p class="subject">${screened.subject}</p>`}<p class="text">${screened.text}</p></div>
${screened.reasons.length > 0 && html`<p class="notice warn">${screened.reasons.join(', ')}</p>`}`

const triageLine = (triage: Triage) =>
  html`<p class="quiet">${severityBadge(triage.severity)} ${triage.intent.replaceAll('_', ' ')} (${Math.round(triage.confidence * 100)} %, by ${triage.decidedBy}) · ${triage.sentiment}${triage.legalThreat && ' · legal threat'}${triage.wantsPerson && ' · wants a person'}</p>`

const AUTHORS: Readonly<Record<Answer['by'], string>> = {
  model: 'written by a model',
  extractive: 'quoted from the sources',
  cache: 'proven before, from the cache',
  person: 'written by a person',
}
const authorOf = (answer: Answer) => AUTHORS[answer.by]

const checks = (verdict: Verdict) =>
  verdict.outputChecks.length > 0 &&
  html`<ul class="checks">${verdict.outputChecks.map(({ check, passed, detail }) => html`<li><span class="badge ${passed ? 'good' : 'bad'}">${passed ? 'passed' : 'failed'}</span> ${check}${detail && `: ${detail}`}</li>`)}</ul>`
