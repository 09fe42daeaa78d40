import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '#shared/config.ts'
import { openSearch, systemClock } from '#shared/wiring.ts'
import { MIN_EVIDENCE } from '#workers/steps/retrieve.ts'
import { evalIntent } from '../eval/intent.ts'
import { evalRetrieval } from '../eval/retrieval.ts'
import { type Progress, startProgress } from '../progress.ts'

export type EvalOptions = {
  readonly data: string
  readonly train?: string
  readonly docs?: readonly string[]
  readonly bot?: string
  readonly maskSym?: boolean
  readonly without?: string
  readonly json?: boolean
}
const SUITES = ['intent', 'retrieval'] as const

/** Measures one suite on files of the user's. @returns the exit code */
export async function evaluate(suite: string, options: EvalOptions): Promise<number> {
  const bars = progressBars()
  const report = await run(suite, options, bars.update)
  bars.stop()
  if (report === undefined) {
    console.error(`answerline: unknown suite "${suite}"; there are ${SUITES.join(', ')}`)
    return 2
  }
  console.log(options.json ? JSON.stringify(report) : JSON.stringify(report, null, 2))
  return 0
}

type OnProgress = (done: number, total: number, what?: string) => void

async function run(suite: string, options: EvalOptions, onProgress: OnProgress): Promise<unknown> {
  const { data, train, docs, bot } = options
  if (suite === 'intent') {
    if (train === undefined) throw new Error('the suite "intent" needs --train FILE with {text, intent} lines')
    return evalIntent({ train, data, ...(bot === undefined ? {} : { bot }) }, onProgress)
  }
  if (suite !== 'retrieval') return undefined
  if (docs === undefined) throw new Error('the suite "retrieval" needs --docs FILE… with the documents')
  const without = (options.without ?? '').split(',').filter(Boolean)
  const dataDir = mkdtempSync(join(tmpdir(), 'answerline-eval-'))
  // Indexes of their own, so that no knowledge of the installation has a part in it.
  const search = await openSearch({ ...readConfig(), dataDir }, systemClock)
  try {
    const measured = { docs, data, maskSym: options.maskSym ?? false, without, minEvidence: MIN_EVIDENCE }
    return await evalRetrieval(measured, search, onProgress, new AbortController().signal)
  } finally {
    await search.closeSearch()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** One bar after the other, each with the name of what it counts. */
function progressBars(): { update: OnProgress; stop(): void } {
  let current: { what: string; bar: Progress } | undefined
  return {
    update(done, total, what = 'rows') {
      if (current?.what !== what) {
        current?.bar.stop()
        current = { what, bar: startProgress(what, total) }
      }
      current.bar.update(done)
    },
    stop: () => current?.bar.stop(),
  }
}
