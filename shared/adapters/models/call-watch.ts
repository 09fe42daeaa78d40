import { retryable } from '#shared/domain/failure.ts'
import type { CallLimits } from '#shared/domain/model-table.ts'

/** Below the patience of a readiness check, which must not fail because one of several providers is silent. */
export const READY_TIMEOUT_MS = 1_500

export type CallLimitOptions = Partial<CallLimits>

export function callLimits({ idleMs = 10_000, firstMs = 3 * idleMs, deadlineMs = 120_000 }: CallLimitOptions): CallLimits {
  return { idleMs, firstMs, deadlineMs }
}
/** For a reply that arrives in one piece, silence says nothing before the deadline. */
export const withoutWatchdog = ({ deadlineMs }: CallLimits): CallLimits => ({
  firstMs: deadlineMs,
  idleMs: deadlineMs,
  deadlineMs,
})

export type CallWatch = {
  /** Aborts on the caller's abort (with the caller's reason), on silence and at the deadline (with a `StepFailure`). */
  readonly signal: AbortSignal
  /** Something arrived. */
  readonly alive: () => void
}

/**
 * Runs one provider call under a watch. The SDKs' own timeouts end with the response headers, and their iterators end
 * silently when they are aborted, so what decides is always the watch: when it has fired, its reason is thrown, whatever the call did.
 * @throws the caller's abort reason, `provider-stalled`, or what `call` threw
 */
export async function watchCall<T>(caller: AbortSignal, limits: CallLimits, call: (watch: CallWatch) => Promise<T>): Promise<T> {
  caller.throwIfAborted()
  const controller = new AbortController()
  const stallAfter = (limitMs: number, what: string) =>
    setTimeout(() => controller.abort(retryable('provider-stalled', `${what} within ${limitMs} ms`)), limitMs)
  const first = stallAfter(limits.firstMs, 'no sign of a reply')
  const deadline = stallAfter(limits.deadlineMs, 'no complete reply')
  let idle: NodeJS.Timeout | undefined
  const alive = () => {
    if (controller.signal.aborted) return
    clearTimeout(first)
    if (idle) idle.refresh()
    else idle = stallAfter(limits.idleMs, 'nothing more of the reply')
  }
  const onCallerAbort = () => controller.abort(caller.reason)
  caller.addEventListener('abort', onCallerAbort, { once: true })

  const { promise: fired, reject } = Promise.withResolvers<never>()
  controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true })
  try {
    return await Promise.race([call({ signal: controller.signal, alive }), fired])
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    clearTimeout(first)
    clearTimeout(idle)
    clearTimeout(deadline)
    caller.removeEventListener('abort', onCallerAbort)
  }
}
