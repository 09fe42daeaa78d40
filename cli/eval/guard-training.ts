import { documentRows } from '#workers/logic/guard-document.ts'
import { DOCUMENT_BITS, type HashedRow, MESSAGE_BITS } from '#workers/logic/guard-features.ts'
import { type BinaryModel, rawScore, trainBinary, type WeightedRow } from '#workers/logic/guard-linear.ts'
import { messageRow } from '#workers/logic/guard-message.ts'
import { scoreInjection } from '#workers/logic/injection-rules.ts'
import { cleanDocuments, type DocumentRow, labelledDocuments, type MessageRow, ownLines } from './guard-corpus.ts'

export const MESSAGE_TRAINING = { bits: MESSAGE_BITS, cost: 1, epochs: 12 }
export const DOCUMENT_TRAINING = { bits: DOCUMENT_BITS, cost: 1, epochs: 12 }

/** Mulberry32: small, fast and the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export type EncodedMessage = MessageRow & { readonly row: HashedRow }

export function encodeMessages(rows: readonly MessageRow[]): EncodedMessage[] {
  return rows.map((each) => ({ ...each, row: messageRow(each.text, MESSAGE_BITS, scoreInjection(each.text).rules) }))
}

export function trainMessages(rows: readonly EncodedMessage[]): BinaryModel {
  return trainBinary(rows, { ...MESSAGE_TRAINING, random: seededRandom(1) })
}

/** The raw score of every row by a model that has not seen its fold; written rows keep their family in one fold. */
export function heldOutScores(rows: readonly EncodedMessage[], folds: number): Float64Array {
  const random = seededRandom(2)
  const families = new Map<string, number>()
  const foldOf = rows.map(({ source }) => {
    const drawn = Math.floor(random() * folds)
    // A language is no family of attacks: what is asked is whether a message in a known language passes.
    if (!source.startsWith('own:') || source.startsWith('own:ml')) return drawn
    if (!families.has(source)) families.set(source, families.size % folds)
    return families.get(source)!
  })
  const scores = new Float64Array(rows.length)
  for (let fold = 0; fold < folds; fold++) {
    const model = trainMessages(rows.filter((_, at) => foldOf[at] !== fold))
    for (const [at, { row }] of rows.entries()) if (foldOf[at] === fold) scores[at] = rawScore(model, row)
  }
  return scores
}

/** Sources that stem from one collection are left out together. */
const COLLECTION = (source: string) => (source.startsWith('cyberseceval') ? 'cyberseceval' : source)

/** Recall on each source of attacks, false positives on each source of hard cases, by a model trained without the source. */
export function leaveOneSourceOut(rows: readonly EncodedMessage[], threshold: number): Record<string, number> {
  const result: Record<string, number> = {}
  const left = [...new Set(rows.filter(({ attack, weight }) => attack || weight > 1).map(({ source }) => COLLECTION(source)))]
  for (const source of left.filter((name) => !name.startsWith('own:'))) {
    const model = trainMessages(rows.filter((each) => COLLECTION(each.source) !== source))
    for (const attack of [true, false]) {
      const own = rows.filter((each) => COLLECTION(each.source) === source && each.attack === attack)
      if (own.length === 0) continue
      const flagged = own.filter(({ row }) => rawScore(model, row) >= threshold).length
      result[`${source} ${attack ? 'recall' : 'falsePositiveRate'} (n=${own.length})`] = share(flagged, own.length)
    }
  }
  return result
}

const share = (part: number, whole: number) => Math.round((1000 * part) / whole) / 1000

export type Limit = { readonly of: (row: MessageRow) => boolean; readonly falsePositives: number }
/** At the targets or below: held-out models know a fifth less than the shipped one. */
export const LIMITS: readonly Limit[] = [
  { of: ({ source }) => source === 'banking77' || source === 'bitext' || source === 'hint3', falsePositives: 0.006 },
  { of: ({ source }) => source === 'notinject', falsePositives: 0.1 },
  { of: ({ source }) => source === 'wildguard_benign', falsePositives: 0.045 },
  { of: ({ source, attack }) => source.startsWith('own:ml') && !attack, falsePositives: 0.14 },
]

/** The lowest threshold at which held-out scores meet every limit. */
export function chooseThreshold(rows: readonly MessageRow[], scores: Float64Array, limits = LIMITS): number {
  return Math.max(
    ...limits.map(({ of, falsePositives }) => {
      const own = [...scores].filter((_, at) => of(rows[at]!)).sort((a, b) => b - a)
      return (own[Math.floor(falsePositives * own.length)] ?? 0) + 1e-6
    }),
  )
}

export function shareFlagged(rows: readonly MessageRow[], scores: Float64Array, threshold: number): Record<string, number> {
  const groups = new Map<string, { n: number; flagged: number }>()
  for (const [at, { source, attack, kind }] of rows.entries()) {
    const key = `${source.startsWith('own:') ? `own ${kind}` : source} ${attack ? 'recall' : 'falsePositiveRate'}`
    const group = groups.get(key) ?? { n: 0, flagged: 0 }
    groups.set(key, { n: group.n + 1, flagged: group.flagged + (scores[at]! >= threshold ? 1 : 0) })
  }
  return Object.fromEntries([...groups].map(([key, { n, flagged }]) => [`${key} (n=${n})`, share(flagged, n)]))
}

export type DocumentSet = {
  readonly labelled: readonly DocumentRow[]
  readonly clean: readonly string[]
  readonly own: readonly string[]
}
export const documentSet = (data: string): DocumentSet => ({
  labelled: labelledDocuments(data),
  clean: cleanDocuments(data),
  own: ownLines('train'),
})

const INJECTED = 4
const OWN_LINE = 2

/** One row a sentence. What is smuggled in is the attack; the rest of the same document is not trained on: it may hold more of it. */
export function trainDocuments({ labelled, clean, own }: DocumentSet): BinaryModel {
  const rows: WeightedRow[] = []
  const random = seededRandom(3)
  for (const { text, kind, injected } of labelled)
    for (const { sentence, row } of documentRows(text)) {
      const attack = injected?.includes(sentence.text) ?? false
      if (attack || kind === 'benign_doc') rows.push({ row, attack, weight: attack ? INJECTED : 1 })
    }
  for (const text of clean) for (const { row } of documentRows(text)) rows.push({ row, attack: false, weight: 1 })
  for (const line of own)
    for (let nth = 0; nth < 3; nth++) {
      const host = clean[Math.floor(random() * clean.length)]!.split('\n')
      host.splice(Math.floor(random() * (host.length + 1)), 0, line)
      for (const { sentence, row } of documentRows(host.join('\n')))
        if (line.includes(sentence.text)) rows.push({ row, attack: true, weight: OWN_LINE })
    }
  return trainBinary(rows, { ...DOCUMENT_TRAINING, random: seededRandom(4) })
}

/** The raw score of a document: that of its worst sentence. */
export function documentRaw(model: BinaryModel, text: string): number {
  return documentRows(text).reduce((worst, { row }) => Math.max(worst, rawScore(model, row)), Number.NEGATIVE_INFINITY)
}

/** Held-out raw scores of the labelled documents and of the clean ones. A smuggled line is never on both sides. */
export function heldOutDocuments(set: DocumentSet, folds: number): { labelled: number[]; clean: number[] } {
  const lines = [...new Set(set.labelled.map(({ injected }) => injected))]
  const titleOf = (text: string) => (text.split('\n')[0] ?? '').split(' - ')[0]!
  const titles = new Map<string, number>()
  const foldOfText = (text: string) => {
    const title = titleOf(text)
    if (!titles.has(title)) titles.set(title, titles.size % folds)
    return titles.get(title)!
  }
  const foldOf = (row: DocumentRow) => (row.injected === undefined ? foldOfText(row.text) : lines.indexOf(row.injected) % folds)
  const result = { labelled: set.labelled.map(() => 0), clean: set.clean.map(() => 0) }
  for (let fold = 0; fold < folds; fold++) {
    const model = trainDocuments({
      labelled: set.labelled.filter((row) => foldOf(row) !== fold),
      clean: set.clean.filter((text) => foldOfText(text) !== fold),
      own: set.own,
    })
    for (const [at, row] of set.labelled.entries()) if (foldOf(row) === fold) result.labelled[at] = documentRaw(model, row.text)
    for (const [at, text] of set.clean.entries()) if (foldOfText(text) === fold) result.clean[at] = documentRaw(model, text)
  }
  return result
}

export const CLEAN_DOCUMENTS_FLAGGED = 0.013

/** The lowest threshold at which so few of the clean documents, and of the clean labelled ones, are flagged. */
export function chooseDocumentThreshold(set: DocumentSet, scores: { labelled: number[]; clean: number[] }): number {
  const limit = (values: number[], most: number) => values.sort((a, b) => b - a)[Math.floor(most * values.length)]! + 1e-6
  const labelledClean = scores.labelled.filter((_, at) => set.labelled[at]!.kind === 'benign_doc')
  return Math.max(limit([...scores.clean], CLEAN_DOCUMENTS_FLAGGED), limit(labelledClean, CLEAN_DOCUMENTS_FLAGGED))
}
