import type { BatchProgress } from '#shared/ports/batch-store.ts'
import { ago, clip, count, dollars } from '../format.ts'
import { type Html, html } from '../html.ts'

export type BatchesModel = { readonly batches: readonly BatchProgress[]; readonly limit: number; readonly now: Date }

/** Counts and money of all tenants, no content. Each row has its batch's id as its anchor: where jobs of the queues lead to. */
export function batchesPage({ batches, limit, now }: BatchesModel): Html {
  return html`<div class="title"><h1>Batches</h1><p class="quiet">${batches.length >= limit ? `the latest ${limit}` : `${count(batches.length)} in all`}</p></div>
<p class="hint">Model calls of the offline lane, together at the provider, at half the price. What a batch does not answer is asked synchronously.</p>
${
  batches.length === 0
    ? html`<p class="empty">None yet.</p>`
    : html`<section><div class="scroll"><table><thead><tr><th scope="col">Batch</th><th scope="col">Model</th><th scope="col">State</th><th scope="col">Answered</th><th scope="col">Asked again</th><th scope="col">Cost, and as much saved</th><th scope="col">Made</th></tr></thead>
<tbody>${batches.map((batch) => row(batch, now))}</tbody></table></div></section>`
}`
}

function row(batch: BatchProgress, now: Date): Html {
  const { id, provider, model, state, remoteId, remoteStatus, answered, requests, spilled, costUsd, failure, createdAt } = batch
  return html`<tr id="${id}"><td><span class="id">${id}</span>${remoteId && html`<br><span class="quiet">${remoteId}</span>`}</td>
<td>${provider} ${model}</td><td>${state}${remoteStatus && html` <span class="quiet">(${remoteStatus})</span>`}${failure && html`<br>${clip(`${failure.code}: ${failure.message}`, 200)}`}</td>
<td>${count(answered)} of ${count(requests)}</td><td>${count(spilled)}</td><td>${dollars(costUsd)}</td><td>${ago(createdAt, now)}</td></tr>`
}
