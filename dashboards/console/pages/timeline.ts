import { maskFact } from '#shared/domain/mask-facts.ts'
import type { Attempt, Run } from '#shared/domain/run.ts'
import type { RecordedCall } from '#shared/ports/console-store.ts'
import { hidePersonalShapes } from '#shared/text/hide-personal-shapes.ts'
import { clip, clock, count, dollars, durationText } from '../format.ts'
import { type Html, html } from '../html.ts'

/** A wait between two attempts that is worth a word. */
const NOTABLE_WAIT_MS = 1_000
/** Of each text in a fact. */
const MAX_FACT_CHARACTERS = 4_000

/** Every attempt in order: what came of it, how long it took, what it asked models, what it wrote. */
export function timeline(run: Run, attempts: readonly Attempt[], calls: readonly RecordedCall[]): Html {
  const callsOf = assignCalls(attempts, calls)
  return html`<ol class="timeline">${attempts.map((attempt, i) => {
    const before = attempts[i - 1]
    const waitedMs = before ? attempt.startedAt.getTime() - before.endedAt.getTime() : 0
    return html`${waitedMs >= NOTABLE_WAIT_MS && html`<li class="gap">waited ${durationText(waitedMs)}</li>`}${attemptItem(attempt, callsOf.get(attempt) ?? [])}`
  })}${run.endedAt === null && html`<li class="gap">${nowAt(run)}</li>`}</ol>`
}

const nowAt = (run: Run) =>
  run.status === 'waiting' || run.status === 'delayed' || run.status === 'parked'
    ? `now ${run.status} at ${run.step} until ${run.dueAt.toISOString().slice(0, 19).replace('T', ' ')} UTC`
    : `now ${run.status} at ${run.step}`

/** A call belongs to the attempt of its step and visit during which it began. */
function assignCalls(attempts: readonly Attempt[], calls: readonly RecordedCall[]): Map<Attempt, RecordedCall[]> {
  const assigned = new Map<Attempt, RecordedCall[]>()
  for (const call of calls) {
    const candidates = attempts.filter(({ step, visit }) => step === call.step && visit === call.visit)
    const owner = candidates.findLast(({ startedAt }) => startedAt <= call.createdAt) ?? candidates[0]
    if (owner) assigned.set(owner, [...(assigned.get(owner) ?? []), call])
  }
  return assigned
}

function attemptItem(attempt: Attempt, calls: readonly RecordedCall[]): Html {
  const { failure } = attempt
  const facts = Object.entries(attempt.factsWritten)
  const repeat = attempt.attempt > 1 ? `, attempt ${attempt.attempt}` : ''
  const visit = attempt.visit > 1 ? `, visit ${attempt.visit}` : ''
  return html`<li class="${failure ? 'failed' : 'fine'}"><p class="head"><span class="seq">${attempt.seq}</span> <span><b>${attempt.step}</b>${repeat}${visit}</span>
<span class="badge ${failure ? 'bad' : 'plain'}">${attempt.result}</span> <span class="next">→ ${attempt.next.status === 'running' ? attempt.next.step : attempt.next.status}</span>
<span class="when">${clock(attempt.startedAt)} · ${durationText(attempt.endedAt.getTime() - attempt.startedAt.getTime())}</span>${attempt.worker && html`<span class="quiet worker">${attempt.worker}</span>`}</p>
${failure && html`<p class="why"><span class="badge bad">${failure.kind}</span> <code>${failure.code}</code> ${clip(hidePersonalShapes(failure.message), 500)}${failure.retryAfterMs !== undefined && ` (asked to wait ${durationText(failure.retryAfterMs)})`}</p>`}
${calls.length > 0 && callTable(calls)}
${facts.map(([name, value]) => html`<details><summary>wrote <code>${name}</code></summary><pre tabindex="0">${JSON.stringify(maskFact(name, value, MAX_FACT_CHARACTERS), null, 2)}</pre></details>`)}</li>`
}

function callTable(calls: readonly RecordedCall[]): Html {
  return html`<div class="scroll"><table class="tight calls"><thead><tr><th scope="col">Model call</th><th scope="col">Prompt</th><th scope="col" class="n">In</th><th scope="col" class="n">cached</th><th scope="col" class="n">Out</th><th scope="col" class="n">Cost</th><th scope="col" class="n">Took</th></tr></thead>
<tbody>${calls.map(
    ({ provider, model, task, promptId, promptVersion, usage, costUsd, latencyMs, failureCode }) =>
      html`<tr><td>${provider} ${model}${failureCode && html` <span class="badge bad">${failureCode}</span>`}</td><td>${task === promptId ? '' : `${task}: `}${promptId} v${promptVersion}</td><td class="n">${count(usage.inputTokens)}</td><td class="n">${count(usage.cacheReadTokens)}</td><td class="n">${count(usage.outputTokens)}</td><td class="n">${dollars(costUsd)}</td><td class="n">${durationText(latencyMs)}</td></tr>`,
  )}</tbody></table></div>`
}
