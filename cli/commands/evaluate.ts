import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '#shared/config.ts'
import { openSearch, systemClock } from '#shared/wiring.ts'
import { MIN_EVIDENCE } from '#workers/steps/retrieve.ts'
import { evalCache } from '../eval/cache.ts'
import { evalFaithfulness } from '../eval/faithfulness.ts'
import { evalGuard } from '../eval/guard.ts'
import { evalIntent } from '../eval/intent.ts'
import { evalPii } from '../eval/pii.ts'
import { evalRetrieval } from '../eval/retrieval.ts'
import { type Progress, startProgress } from '../progress.ts'
import { WrongUsage, wholeNumber } from '../usage.ts'

export type EvalOptions = {
  readonly data: string
  readonly train?: string
  readonly docs?: readonly string[]
  readonly bot?: string
  readonly maskSym?: boolean
  readonly without?: string
  readonly withModel?: boolean
  readonly limit?: string
  readonly json?: boolean
}
type OnProgress = (done: number, total: number, what?: string) => void
type Suite = (options: EvalOptions, onProgress: OnProgress) => Promise<unknown>

const SUITES: Readonly<Record<string, Suite>> = {
  cache: async ({ data, train }, onProgress) => evalCache({ data, ...(train === undefined ? {} : { train }) }, onProgress),
  guard: async ({ data }, onProgress) => evalGuard({ data }, onProgress),
  intent: async ({ data, train, bot }, onProgress) => {
    if (train === undefined) throw new WrongUsage('the suite "intent" needs --train FILE with {text, intent} lines')
    return evalIntent({ train, data, ...(bot === undefined ? {} : { bot }) }, onProgress)
  },
  pii: async ({ data }, onProgress) => evalPii({ data }, onProgress),
  retrieval: retrievalSuite,
  faithfulness: faithfulnessSuite,
}

/** Measures one suite on files of the user's. @returns the exit code */
export async function evaluate(
  suite: string,
  { data, ...options }: Omit<EvalOptions, 'data'> & { readonly data?: string | readonly string[] },
): Promise<number> {
  const run = Object.hasOwn(SUITES, suite) ? SUITES[suite] : undefined
  if (!run) {
    console.error(`answerline: unknown suite "${suite}"; there are ${Object.keys(SUITES).join(', ')}`)
    return 2
  }
  if (data === undefined) throw new WrongUsage(`the suite "${suite}" needs --data FILE… to measure on`)
  const bars = progressBars()
  const report = await inOneFile([data].flat(), (file) => run({ ...options, data: file }, bars.update)).finally(bars.stop)
  console.log(options.json ? JSON.stringify(report) : JSON.stringify(report, null, 2))
  return 0
}

/** Several files are measured as one: their lines, one file after the other. */
async function inOneFile<T>(files: readonly string[], measure: (file: string) => Promise<T>): Promise<T> {
  if (files.length === 1) return measure(files[0]!)
  const folder = mkdtempSync(join(tmpdir(), 'answerline-eval-data-'))
  try {
    const joined = join(folder, 'data.jsonl')
    for (const file of files) appendFileSync(joined, `${readFileSync(file, 'utf8')}\n`)
    return await measure(joined)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function faithfulnessSuite({ data, docs, withModel, limit }: EvalOptions, onProgress: OnProgress): Promise<unknown> {
  const rows = { data, docs: docs ?? [], ...(limit === undefined ? {} : { limit: wholeNumber('--limit', limit) }) }
  if (!withModel) return evalFaithfulness(rows, onProgress)
  const { openModelGateway } = await import('../model-gateway.ts')
  const { prompts, endpoints, close, ...gateway } = await openModelGateway(readConfig(), '--with-model')
  try {
    const reader = { ...gateway, prompt: prompts['check-entailment'] }
    const report = await evalFaithfulness({ ...rows, reader }, onProgress)
    return { ...report, config: { ...report.config, endpoints } }
  } finally {
    await close()
  }
}

async function retrievalSuite({ data, docs, maskSym, without }: EvalOptions, onProgress: OnProgress): Promise<unknown> {
  if (docs === undefined) throw new WrongUsage('the suite "retrieval" needs --docs FILE… with the documents')
  const fields = (without ?? '').split(',').filter(Boolean)
  const dataDir = mkdtempSync(join(tmpdir(), 'answerline-eval-'))
  // Indexes of their own, so that no knowledge of the installation has a part in it.
  const search = await openSearch({ ...readConfig(), dataDir }, systemClock)
  try {
    const measured = { docs, data, maskSym: maskSym ?? false, without: fields, minEvidence: MIN_EVIDENCE }
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
