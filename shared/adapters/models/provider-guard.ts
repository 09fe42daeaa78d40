import {
  type Admission,
  admit,
  applyEvent,
  type CallEvent,
  newProviderState,
  type ProviderState,
  takeTrial,
} from '#shared/domain/provider-state.ts'
import type { Clock } from '#shared/ports/clock.ts'
import type { Log } from '#shared/ports/log.ts'
import type { ProviderStates } from '#shared/ports/provider-states.ts'

export type GuardOptions = {
  readonly states: ProviderStates
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn'>
  /** What all processes together may ask of the provider. */
  readonly callsPerMinute?: number
}

export type Entry = { readonly kind: 'go'; readonly trial: boolean } | Extract<Admission, { kind: 'wait' }>

/** Below the usual accounts' limits nothing is gained by a limit of our own; above them, `retry-after` rules. */
const CALLS_PER_MINUTE = 30_000
/** An older view of the others is looked up before it is used. */
const FRESH_MS = 1_000
/** What became of calls is told to the others together; bad news at once. */
const TELL_EVERY_MS = 50

export type ProviderGuard = {
  enter(): Promise<Entry>
  tell(event: Omit<CallEvent, 'atMs'>): void
  /** The state that all processes share, looked up. */
  look(): Promise<{ readonly state: ProviderState; readonly nowMs: number }>
}

/**
 * One process's view of one provider. Decides from a copy that is at most a second old, so that an ordinary call pays no round
 * trip; only trials are taken from the shared state itself, because three means three among all processes.
 */
export function createProviderGuard(provider: string, options: GuardOptions): ProviderGuard {
  const { states, clock, log, callsPerMinute = CALLS_PER_MINUTE } = options
  let copy = newProviderState()
  /** Shared clock minus ours. */
  let offsetMs = 0
  let readAtMs = Number.NEGATIVE_INFINITY
  let untold: CallEvent[] = []
  let timer: NodeJS.Timeout | undefined
  let lookup: Promise<void> | undefined

  const ownMs = () => clock.now().getTime()
  const sharedMs = () => ownMs() + offsetMs
  const adopt = (state: ProviderState, nowMs: number) => {
    if (state.breaker !== copy.breaker) tellOperators(log, provider, state)
    copy = state
    readAtMs = ownMs()
    offsetMs = nowMs - readAtMs
    for (const event of untold) applyEvent(copy, event, nowMs)
  }
  const exchange = async () => {
    const events = untold
    untold = []
    const { state, nowMs } = await states.update(provider, (shared, now) => {
      for (const event of events) applyEvent(shared, event, now)
    })
    adopt(state, nowMs)
  }
  const lookUp = () => {
    clearTimeout(timer)
    timer = undefined
    lookup ??= exchange().finally(() => {
      lookup = undefined
      if (untold.some(isNews)) void lookUp()
      else if (untold.length > 0) later()
    })
    return lookup
  }
  const later = () => {
    timer ??= setTimeout(lookUp, TELL_EVERY_MS).unref()
  }

  return {
    async enter() {
      const age = ownMs() - readAtMs
      if (age > FRESH_MS || age < 0) await lookUp()
      const admission = admit(copy, sharedMs(), callsPerMinute)
      if (admission.kind === 'wait') return admission
      if (admission.kind === 'go') return { kind: 'go', trial: false }
      const taken = await states.update(provider, takeTrial)
      adopt(taken.state, taken.nowMs)
      if (taken.result) return { kind: 'go', trial: true }
      const instead = admit(taken.state, taken.nowMs, callsPerMinute)
      return instead.kind === 'wait' ? instead : { kind: 'go', trial: false }
    },
    tell(event) {
      const now = sharedMs()
      const complete = { ...event, atMs: now }
      untold.push(complete)
      const before = copy.breaker
      applyEvent(copy, complete, now)
      if (copy.breaker !== before) tellOperators(log, provider, copy)
      if (isNews(complete)) void lookUp()
      else if (!lookup) later()
    },
    async look() {
      await lookUp()
      // What happened here while others were asked is told with the next exchange.
      if (lookup || untold.length > 0) await lookUp()
      return { state: copy, nowMs: sharedMs() }
    },
  }
}

/** What the others should not learn later than need be. */
const isNews = ({ kind, trial }: CallEvent) => kind === 'failed' || kind === 'limited' || trial

function tellOperators(log: GuardOptions['log'], provider: string, { breaker }: ProviderState): void {
  if (breaker === 'open') log.warn({ provider, breaker }, 'a provider fails too often and is left alone for a minute')
  else log.info({ provider, breaker }, breaker === 'closed' ? 'a provider is back' : 'a provider is tried again')
}
