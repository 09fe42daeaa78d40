import { type Html, html } from './html.ts'

/** `12 ms`, `3.4 s`, `2 min`, `5 h`, `3 d`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 5_400_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} d`
}

/** `3 min ago`, with the exact moment (UTC) for the pointer and for machines. */
export function ago(moment: Date, now: Date): Html {
  const ms = now.getTime() - moment.getTime()
  const words = ms >= 0 ? `${durationText(ms)} ago` : `in ${durationText(-ms)}`
  return html`<time datetime="${moment.toISOString()}" title="${exact(moment)}">${Math.abs(ms) < 1_000 ? 'now' : words}</time>`
}

export const exact = (moment: Date) => `${moment.toISOString().slice(0, 19).replace('T', ' ')} UTC`
export const clock = (moment: Date) =>
  html`<time datetime="${moment.toISOString()}" title="${exact(moment)}">${moment.toISOString().slice(11, 23)}</time>`

/** Fractions of a cent matter: a model call often costs less than one. */
export function dollars(usd: number): string {
  if (usd === 0) return '$0'
  return usd < 0.01 ? `$${usd.toFixed(6).replace(/0{1,4}$/, '')}` : `$${usd.toFixed(usd < 0.1 ? 4 : 2)}`
}

export const count = (n: number) => n.toLocaleString('en-US')
export const plural = (n: number, noun: string) => `${count(n)} ${noun}${n === 1 ? '' : 's'}`
export const clip = (text: string, limit: number) => (text.length > limit ? `${text.slice(0, limit - 1)}…` : text)

const STATUS_WORDS: Readonly<Record<string, string>> = {
  queued: 'queued',
  running: 'running',
  delayed: 'retry due',
  parked: 'waits for batch',
  waiting: 'waits for person',
  answered: 'answered',
  closed: 'closed',
  done: 'done',
  dead: 'dead',
  cancelled: 'cancelled',
}
export const statusWords = (status: string) => STATUS_WORDS[status] ?? status
export const statusBadge = (status: string) => html`<span class="badge s-${status}">${statusWords(status)}</span>`
export const severityBadge = (severity: string | null | undefined) =>
  severity ? html`<span class="badge sev-${severity.toLowerCase()}">${severity}</span>` : ''
