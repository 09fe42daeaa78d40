import type { Dispatch, Dispatcher } from '#shared/ports/dispatcher.ts'
import { jobIdOf } from '#shared/ports/dispatcher.ts'

/** Keeps what was dispatched, in order; `fail` makes it behave like one whose Redis is away. */
export function memoryDispatcher(): Dispatcher & { readonly jobs: Dispatch[]; fail: boolean } {
  const jobs: Dispatch[] = []
  const fake = {
    jobs,
    fail: false,
    async dispatch(more: readonly Dispatch[]) {
      if (fake.fail) throw new Error('connect ECONNREFUSED')
      jobs.push(...more)
    },
    async held(refs: readonly { runId: string; seq: number }[]) {
      const ids = new Set(jobs.map(jobIdOf))
      return new Set(refs.map(jobIdOf).filter((id) => ids.has(id)))
    },
    lostMemory: async () => false,
    depths: async () => [],
    mirrorDeadLetters: async () => {},
    forgetDeadLetters: async () => {},
    close: async () => {},
  }
  return fake
}
