/**
 * What all processes know of one provider: its circuit breaker (Nygard, "Release It!", 2nd ed. 2018, ch. 5), how long it asked to
 * be left alone, and how much was asked of it lately. Plain JSON: it travels through Redis.
 */
export type ProviderState = {
  breaker: 'closed' | 'open' | 'half-open'
  /** Open: when trials may begin. Half-open: when trials that were not heard of are given up. */
  untilMs: number
  /** Half-open: how many more trials may begin, and how many have succeeded. */
  trialsLeft: number
  trialsPassed: number
  /** By the provider's own `retry-after`. */
  pausedUntilMs: number
  /** The failures since the last success, the latest five. */
  failedInARowMs: number[]
  /** One row a second, the oldest first: which second, and how many calls began, succeeded and failed in it. */
  seconds: [second: number, begun: number, succeeded: number, failed: number][]
}

/** What became of a call, from the provider's point of view: a refusal is a success, an abort is nothing. */
export type CallEvent = {
  readonly kind: 'begun' | 'succeeded' | 'failed' | 'limited' | 'abandoned'
  readonly atMs: number
  /** Whether the call was one of the trials of a half-open breaker. */
  readonly trial: boolean
  /** `limited`: how long the provider asked to wait. */
  readonly retryAfterMs?: number
}

export const OPEN_MS = 60_000
export const TRIALS = 3
export const FAILURES_TO_OPEN = 5
export const FAILURES_WITHIN_MS = 10_000
export const MAX_ERROR_RATE = 0.05
export const RATE_WITHIN_SECONDS = 60
/** Fewer calls in a minute are no rate. */
export const MIN_CALLS_FOR_RATE = 100
/** 99 %, one-sided: a provider that fails just 5 % would otherwise be shut out by the luck of every other minute. */
const SURE_Z = 2.326
const DEFAULT_PAUSE_MS = 1_000
export const MAX_PAUSE_MS = 60_000

export const newProviderState = (): ProviderState => ({
  breaker: 'closed',
  untilMs: 0,
  trialsLeft: 0,
  trialsPassed: 0,
  pausedUntilMs: 0,
  failedInARowMs: [],
  seconds: [],
})

/** Changes `state` by what became of a call; `nowMs` is the clock that all processes share. */
export function applyEvent(state: ProviderState, event: CallEvent, nowMs: number): void {
  tidy(state, nowMs)
  const atMs = Math.min(event.atMs, nowMs)
  count(state, event.kind, Math.floor(atMs / 1_000))
  if (event.kind === 'succeeded') state.failedInARowMs = []
  if (event.kind === 'failed') state.failedInARowMs = [...state.failedInARowMs, atMs].slice(-FAILURES_TO_OPEN)
  if (event.kind === 'limited')
    state.pausedUntilMs = Math.max(state.pausedUntilMs, nowMs + Math.min(event.retryAfterMs ?? DEFAULT_PAUSE_MS, MAX_PAUSE_MS))
  if (event.trial && state.breaker === 'half-open') judgeTrial(state, event.kind, nowMs)
  else if (event.kind === 'failed' && state.breaker === 'closed' && failsTooOften(state, nowMs)) open(state, nowMs)
}

export type Admission =
  | { readonly kind: 'go' }
  /** The breaker wants to know whether the provider is back: take a trial first. */
  | { readonly kind: 'trial' }
  | { readonly kind: 'wait'; readonly why: 'cooling-down' | 'asked-to-wait' | 'limit-reached'; readonly waitMs: number }

/** Whether a call may go out now. @param callsPerMinute what all processes together may ask of the provider */
export function admit(state: ProviderState, nowMs: number, callsPerMinute: number): Admission {
  if (state.breaker === 'open' && nowMs < state.untilMs)
    return { kind: 'wait', why: 'cooling-down', waitMs: Math.min(OPEN_MS, state.untilMs - nowMs) }
  if (nowMs < state.pausedUntilMs)
    return { kind: 'wait', why: 'asked-to-wait', waitMs: Math.min(MAX_PAUSE_MS, state.pausedUntilMs - nowMs) }
  if (begunWithin(state, nowMs) >= callsPerMinute) return { kind: 'wait', why: 'limit-reached', waitMs: 1_000 }
  if (state.breaker === 'closed') return { kind: 'go' }
  if (state.breaker === 'half-open' && state.trialsLeft === 0 && nowMs < state.untilMs)
    return { kind: 'wait', why: 'cooling-down', waitMs: 1_000 }
  return { kind: 'trial' }
}

/** @returns whether the caller holds one of the trials now */
export function takeTrial(state: ProviderState, nowMs: number): boolean {
  if (state.breaker === 'closed') return false
  // Trials whose process died would keep the breaker half-open for ever.
  if (nowMs >= state.untilMs)
    Object.assign(state, { breaker: 'half-open', trialsLeft: TRIALS, trialsPassed: 0, untilMs: nowMs + OPEN_MS })
  if (state.breaker !== 'half-open' || state.trialsLeft === 0) return false
  state.trialsLeft--
  return true
}

function judgeTrial(state: ProviderState, kind: CallEvent['kind'], nowMs: number): void {
  if (kind === 'failed') {
    open(state, nowMs)
    return
  }
  if (kind === 'abandoned') state.trialsLeft++
  // A provider that asks to wait is there.
  if (kind === 'succeeded' || kind === 'limited') state.trialsPassed++
  if (state.trialsPassed < TRIALS) return
  const seconds = state.seconds.map(([second, begun]) => [second, begun, 0, 0])
  Object.assign(state, { breaker: 'closed', failedInARowMs: [], seconds })
}

function open(state: ProviderState, nowMs: number): void {
  Object.assign(state, { breaker: 'open', untilMs: nowMs + OPEN_MS, trialsLeft: 0, trialsPassed: 0 })
}

/** Five failures within ten seconds with no success between them or in at least half of the calls; or a rate that is surely above 5 %. */
function failsTooOften(state: ProviderState, nowMs: number): boolean {
  const [first] = state.failedInARowMs
  if (state.failedInARowMs.length === FAILURES_TO_OPEN && nowMs - first! <= FAILURES_WITHIN_MS) return true
  const lately = sum(state, nowMs, FAILURES_WITHIN_MS / 1_000)
  if (lately.failed >= FAILURES_TO_OPEN && lately.failed >= lately.succeeded) return true
  const { failed, succeeded } = sum(state, nowMs, RATE_WITHIN_SECONDS)
  const calls = failed + succeeded
  return calls >= MIN_CALLS_FOR_RATE && wilsonLowerBound(failed, calls, SURE_Z) > MAX_ERROR_RATE
}

/** Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927). */
export function wilsonLowerBound(hits: number, n: number, z: number): number {
  const p = hits / n
  const z2 = z * z
  return (p + z2 / (2 * n) - z * Math.sqrt((p * (1 - p) + z2 / (4 * n)) / n)) / (1 + z2 / n)
}

function sum({ seconds }: ProviderState, nowMs: number, withinSeconds: number) {
  const from = Math.floor(nowMs / 1_000) - withinSeconds
  let succeeded = 0
  let failed = 0
  for (const row of seconds) {
    if (row[0] <= from) continue
    succeeded += row[2]
    failed += row[3]
  }
  return { succeeded, failed }
}

function begunWithin({ seconds }: ProviderState, nowMs: number): number {
  const from = Math.floor(nowMs / 1_000) - RATE_WITHIN_SECONDS
  let begun = 0
  for (const row of seconds) if (row[0] > from) begun += row[1]
  return begun
}

const COLUMN = { begun: 1, succeeded: 2, failed: 3, limited: undefined, abandoned: undefined } as const

function count({ seconds }: ProviderState, kind: CallEvent['kind'], second: number): void {
  const column = COLUMN[kind]
  if (column === undefined) return
  let at = seconds.length - 1
  while (at >= 0 && seconds[at]![0] > second) at--
  if (at < 0 || seconds[at]![0] !== second) seconds.splice(++at, 0, [second, 0, 0, 0])
  seconds[at]![column]++
}

/** Forgets what is too old, and what a clock that has since gone back had put into the future. */
function tidy(state: ProviderState, nowMs: number): void {
  const now = Math.floor(nowMs / 1_000)
  const isStale = ([second]: readonly number[]) => second! <= now - RATE_WITHIN_SECONDS || second! > now + 1
  if (state.seconds.length > 0 && (isStale(state.seconds[0]!) || isStale(state.seconds.at(-1)!)))
    state.seconds = state.seconds.filter((row) => !isStale(row))
  state.untilMs = Math.min(state.untilMs, nowMs + OPEN_MS)
  state.pausedUntilMs = Math.min(state.pausedUntilMs, nowMs + MAX_PAUSE_MS)
}
