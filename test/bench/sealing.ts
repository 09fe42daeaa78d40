import { createAesGcmSealer } from '#shared/adapters/sealing/sealer.aes-gcm.ts'
import { openFacts, sealFacts } from '#shared/adapters/state/sealed-facts.ts'
import type { Sealer } from '#shared/ports/sealer.ts'
import {
  sampleAnswer,
  sampleDraft,
  samplePassage,
  samplePassages,
  sampleScreened,
  sampleTicket,
  sampleTriage,
  sampleVerdict,
} from '#test/fakes/sample-facts.ts'
import { type BenchReport, machine } from './report.ts'

export const FULL_SEALING = { repeats: 1_000, rounds: 7 }
export const QUICK_SEALING = { repeats: 50, rounds: 3 }

type Hop = { readonly step: string; readonly reads: readonly string[]; readonly writes: Readonly<Record<string, unknown>> }

const MESSAGE = 'The hub blinks red since Monday and the app says that the bridge is offline, although nothing was changed here. '
const times = <T>(count: number, item: T) => Array.from({ length: count }, () => item)

/** A message of 700 characters with three personal values, six passages, an answer of four sentences. */
function hops(): Hop[] {
  const placeholders = ['PERSON', 'EMAIL', 'PHONE'].map((type) => ({ token: `[${type}_1]`, type, value: 'margaret@example.com' }))
  const source = MESSAGE.repeat(5)
  const claim = sampleVerdict('deliver').claims[0]!
  const answer = sampleAnswer({ text: MESSAGE.repeat(4) })
  const screened = sampleScreened({ text: MESSAGE.repeat(6), placeholders })
  const receipt = {
    messageId: 'msg_1',
    deliveredAt: '',
    text: answer.text,
    citations: answer.citations,
    confidence: 1,
    followUps: [],
  }
  return [
    { step: 'accept', reads: [], writes: { ticket: sampleTicket({ body: MESSAGE.repeat(6) }) } },
    { step: 'screen', reads: ['ticket'], writes: { screened } },
    {
      step: 'recall',
      reads: ['ticket', 'screened'],
      writes: { recalled: { key: 'k', partition: 'p', hit: false, cacheable: true } },
    },
    { step: 'classify', reads: ['ticket', 'screened'], writes: { triage: sampleTriage({ query: MESSAGE }) } },
    {
      step: 'retrieve',
      reads: ['ticket', 'screened', 'triage'],
      writes: { passages: samplePassages({ passages: times(6, samplePassage({ text: source })) }) },
    },
    {
      step: 'generate',
      reads: ['ticket', 'screened', 'triage', 'passages'],
      writes: { draft: sampleDraft({ sentences: times(4, { text: MESSAGE, citations: [1] }) }) },
    },
    {
      step: 'verify',
      reads: ['screened', 'passages', 'draft'],
      writes: {
        verdict: sampleVerdict('deliver', {
          claims: times(4, { ...claim, evidence: { n: 1, start: 0, end: 9, text: MESSAGE } }),
        }),
        answer,
      },
    },
    { step: 'deliver', reads: ['ticket', 'answer', 'screened', 'recalled', 'verdict', 'draft'], writes: { receipt } },
  ]
}

/** A document on its way into the index: nothing of a customer. */
const documentHops = (): Hop[] => [
  { step: 'accept', reads: [], writes: { document: { id: 'kb-1', contentHash: 'h' } } },
  { step: 'chunk', reads: ['document'], writes: { chunks: { count: 12, texts: times(12, MESSAGE.repeat(5)) } } },
  { step: 'index', reads: ['document', 'chunks'], writes: { indexed: { chunks: 12 } } },
]

/**
 * What the log's adapter does for one run: every hop is written, and read again by the next one from what is stored, unless its
 * process has kept the run since.
 */
function walk(run: readonly Hop[], sealer: Sealer, kept: boolean): number {
  let read = 0
  const rows: string[] = []
  for (const { reads, writes } of run) {
    const facts = kept ? {} : openFacts(sealer, 'acme', 'run_1', Object.assign({}, ...rows.map((row) => JSON.parse(row))))
    for (const name of reads) if (facts[name] !== undefined) read++
    rows.push(JSON.stringify(sealFacts(sealer, 'acme', 'run_1', writes)))
  }
  return read
}

/** Microseconds of processor time a hop, the median of the rounds. */
function cpuUs(run: readonly Hop[], sealer: Sealer, { repeats, rounds }: typeof FULL_SEALING, kept = false): number[] {
  walk(run, sealer, kept)
  const figures = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage()
    for (let i = 0; i < repeats; i++) walk(run, sealer, kept)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / repeats / run.length
  })
  return figures.sort((a, b) => a - b)
}

export async function benchSealing(sizes: typeof FULL_SEALING): Promise<BenchReport> {
  const where = machine()
  const key = createAesGcmSealer([Buffer.alloc(32, 'bench')])
  const none = createAesGcmSealer([])
  const middle = (figures: readonly number[]) => Math.round(figures[Math.floor(figures.length / 2)]! * 10) / 10
  const [plain, sealed] = [cpuUs(hops(), none, sizes), cpuUs(hops(), key, sizes)]
  const [documentPlain, documentSealed] = [cpuUs(documentHops(), none, sizes), cpuUs(documentHops(), key, sizes)]
  return {
    name: 'sealing',
    value: middle(sealed),
    unit: 'µs of processor time a hop to store and read back facts',
    baseline: middle(plain),
    ratio: Math.round((middle(sealed) / middle(plain)) * 100) / 100,
    p50: middle(sealed),
    p99: Math.round(sealed.at(-1)! * 10) / 10,
    quantilesOf: 'rounds, µs a hop',
    n: sizes.repeats * hops().length,
    keptHopUs: middle(cpuUs(hops(), key, sizes, true)),
    keptHopBaselineUs: middle(cpuUs(hops(), none, sizes, true)),
    documentHopUs: middle(documentSealed),
    documentHopBaselineUs: middle(documentPlain),
    machine: where,
  }
}
