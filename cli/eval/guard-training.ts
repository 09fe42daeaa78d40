import { join } from 'node:path'
import * as z from 'zod'
import { documentRows, documentSentences } from '#workers/logic/guard-document.ts'
import { type EncodedText, encodeText, rawText } from '#workers/logic/guard-encode.ts'
import { DOCUMENT_BITS, MESSAGE_BITS } from '#workers/logic/guard-features.ts'
import { type BinaryModel, quantise, rawScore, trainBinary, type WeightedRow } from '#workers/logic/guard-linear.ts'
import { SUSPICIOUS_FROM, scoreMessage } from '#workers/logic/guard-message.ts'
import { scoreInjection } from '#workers/logic/injection-rules.ts'
import {
  cleanDocuments,
  type DocumentRow,
  labelledDocuments,
  type MessageRow,
  OWN_DATA,
  ownLines,
  readRows,
} from './guard-corpus.ts'
import { letters } from './guard-letters.ts'
import { seededRandom } from './seeded-random.ts'

export const MESSAGE_TRAINING = { bits: MESSAGE_BITS, cost: 0.4, epochs: 12 }
export const DOCUMENT_TRAINING = { bits: DOCUMENT_BITS, cost: 1, epochs: 12 }

export type EncodedMessage = MessageRow & { readonly encoded: EncodedText }

export function encodeMessages(rows: readonly MessageRow[]): EncodedMessage[] {
  return rows.map((each) => ({ ...each, encoded: encodeText(each.text, MESSAGE_BITS, scoreInjection(each.text).rules) }))
}

/** A sentence of a harmless message is harmless; which sentence of an attack is the attack, nobody has marked. */
const SENTENCE_SHARE = 0.25

export function trainMessages(rows: readonly EncodedMessage[]): BinaryModel {
  const all = [...rows, ...encodeMessages(letters(rows, seededRandom(6)))]
  const whole = all.map(({ encoded: { row }, attack, weight }) => ({ row, attack, weight }))
  const sentences = all
    .filter(({ attack }) => !attack)
    .flatMap(({ encoded, weight }) => encoded.sentences.map((row) => ({ row, attack: false, weight: weight * SENTENCE_SHARE })))
  return trainBinary([...whole, ...sentences], { ...MESSAGE_TRAINING, random: seededRandom(1) })
}

export type HeldOut = { readonly foldOf: readonly number[]; readonly models: readonly BinaryModel[] }

/** For every row its fold, and for every fold a model that has not seen it; written rows keep their family in one fold. */
export function heldOutModels(rows: readonly EncodedMessage[], folds: number, seed = 2): HeldOut {
  const random = seededRandom(seed)
  const families = new Map<string, number>()
  const foldOf = rows.map(({ source }) => {
    const drawn = Math.floor(random() * folds)
    // A language is no family of attacks: what is asked is whether a message in a known language passes.
    if (!source.startsWith('own:') || source.startsWith('own:ml')) return drawn
    if (!families.has(source)) families.set(source, families.size % folds)
    return families.get(source)!
  })
  const models = Array.from({ length: folds }, (_, fold) => trainMessages(rows.filter((_row, at) => foldOf[at] !== fold)))
  return { foldOf, models }
}

export const heldOutScores = (rows: readonly EncodedMessage[], { foldOf, models }: HeldOut): Float64Array =>
  Float64Array.from(rows, ({ encoded }, at) => rawText(models[foldOf[at]!]!, encoded))

/** What the whole guard would have said, rules, passages and decoding included, with the held-out models in the place of the shipped one. */
export function heldOutFlags(rows: readonly EncodedMessage[], { foldOf, models }: HeldOut, threshold: number): boolean[] {
  const guards = models.map((model) => ({ ...quantise(model), bits: MESSAGE_BITS, threshold }))
  return rows.map(({ text }, at) => scoreMessage(text, text, guards[foldOf[at]!]!).score >= SUSPICIOUS_FROM)
}

/** Written sets that no training has seen, by kind: recall of attacks, share of flagged harmless ones. */
export function writtenSets(model: BinaryModel, threshold: number): Record<string, number> {
  const guard = { ...quantise(model), bits: MESSAGE_BITS, threshold }
  const result: Record<string, number> = {}
  for (const file of ['hijack-extraction', 'benign-languages', 'letters']) {
    const rows = readRows(join(OWN_DATA, `${file}.jsonl`), WrittenRow)
    for (const [kind, own] of Map.groupBy(rows, (row) => `${row.kind} of ${file}`)) {
      const flagged = own.filter(({ text }) => scoreMessage(text, text, guard).score >= SUSPICIOUS_FROM).length
      result[`${kind}, flagged (n=${own.length})`] = share(flagged, own.length)
    }
  }
  return result
}
const WrittenRow = z.looseObject({ text: z.string(), kind: z.string() })

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
      const flagged = own.filter(({ encoded }) => rawText(model, encoded) >= threshold).length
      result[`${source} ${attack ? 'recall' : 'falsePositiveRate'} (n=${own.length})`] = share(flagged, own.length)
    }
  }
  return result
}

const share = (part: number, whole: number) => Math.round((1000 * part) / whole) / 1000

const ORDINARY_CUSTOMERS: ReadonlySet<string> = new Set(['banking77', 'bitext', 'hint3'])

export type Limit = { readonly of: (row: MessageRow) => boolean; readonly falsePositives: number }
const NOTINJECT: Limit = { of: ({ source }) => source === 'notinject', falsePositives: 0.09 }
/** At the targets or below: held-out models know a fifth less than the shipped one. */
export const LIMITS: readonly Limit[] = [
  { of: ({ source }) => ORDINARY_CUSTOMERS.has(source), falsePositives: 0.007 },
  NOTINJECT,
  { of: ({ source }) => source === 'wildguard_benign', falsePositives: 0.046 },
  { of: ({ source }) => source === 'toxicity', falsePositives: 0.06 },
  { of: ({ source, attack }) => source.startsWith('own:ml') && !attack, falsePositives: 0.14 },
]

/** For training on the public data alone, where harmless sentences are flagged less and no own ones are held to anything. */
export const PUBLIC_LIMITS: readonly Limit[] = LIMITS.map((limit) =>
  limit === NOTINJECT ? { ...limit, falsePositives: 0.08 } : limit,
)

/** The lowest threshold at which held-out scores meet every limit. A limit that concerns no row bounds nothing. */
export function chooseThreshold(rows: readonly MessageRow[], scores: Float64Array, limits = LIMITS): number {
  return Math.max(
    ...limits.map(({ of, falsePositives }) => {
      const concerned = [...scores].filter((_, at) => of(rows[at]!)).sort((a, b) => b - a)
      return (concerned[Math.floor(falsePositives * concerned.length)] ?? Number.NEGATIVE_INFINITY) + 1e-6
    }),
  )
}

/** By source; `attacks of public sources` is all of them together. */
export function shareFlagged(rows: readonly MessageRow[], flags: readonly boolean[]): Record<string, number> {
  const groups = new Map<string, { n: number; flagged: number }>()
  const count = (key: string, flagged: boolean) => {
    const group = groups.get(key) ?? { n: 0, flagged: 0 }
    groups.set(key, { n: group.n + 1, flagged: group.flagged + (flagged ? 1 : 0) })
  }
  for (const [at, { source, attack, kind }] of rows.entries()) {
    const own = source.startsWith('own:')
    const flagged = flags[at] ?? false
    count(`${own ? `own ${kind}` : source} ${attack ? 'recall' : 'falsePositiveRate'}`, flagged)
    if (attack && !own) count('attacks of public sources, recall', flagged)
    if (ORDINARY_CUSTOMERS.has(source)) count('ordinary customers, falsePositiveRate', flagged)
  }
  return Object.fromEntries([...groups].map(([key, { n, flagged }]) => [`${key} (n=${n})`, share(flagged, n)]))
}

export type DocumentSet = {
  readonly labelled: readonly DocumentRow[]
  readonly clean: readonly string[]
  readonly own: readonly string[]
  readonly harmless: readonly string[]
}
/** @param own whether the lines that were written here belong to it */
export const documentSet = (data: string, own = true): DocumentSet => ({
  labelled: labelledDocuments(data),
  clean: cleanDocuments(data),
  own: own ? ownLines('train') : [],
  harmless: own ? ownLines('train', 'documents-harmless') : [],
})

const INJECTED = 4
const OWN_LINE = 2
/** Documents are long, but passages and entries of a list of questions are a few sentences, in which little is shared with the rest. */
const SHORT_SHARE = 0.4
const MOST_OF_SHORT = 4
const SHORT_OF_LINES = 400

/** A few sentences of a text that follow each other. */
function excerpt(text: string, random: () => number): string {
  const sentences = documentSentences(text)
  const from = Math.floor(random() * sentences.length)
  const to = Math.min(sentences.length, from + Math.ceil(random() * MOST_OF_SHORT)) - 1
  return sentences.length === 0 ? '' : text.slice(sentences[from]!.start, sentences[to]!.end)
}

function shortTexts({ clean, harmless }: Pick<DocumentSet, 'clean' | 'harmless'>, random: () => number): string[] {
  const lines = (most: number) =>
    Array.from({ length: Math.ceil(random() * most) }, () => harmless[Math.floor(random() * harmless.length)]!)
  return [
    ...clean.filter(() => random() < SHORT_SHARE).map((text) => excerpt(text, random)),
    ...Array.from({ length: harmless.length === 0 ? 0 : SHORT_OF_LINES }, () =>
      lines(MOST_OF_SHORT).join(random() < 0.5 ? ' ' : '\n'),
    ),
  ]
}

/** One row a sentence. What is smuggled in is the attack; the rest of the same document is not trained on: it may hold more of it. */
export function trainDocuments({ labelled, clean, own, harmless }: DocumentSet): BinaryModel {
  const rows: WeightedRow[] = []
  const random = seededRandom(3)
  for (const { text, kind, injected } of labelled)
    for (const { sentence, row } of documentRows(text)) {
      const attack = injected?.includes(sentence.text) ?? false
      if (attack || kind === 'benign_doc') rows.push({ row, attack, weight: attack ? INJECTED : 1 })
    }
  for (const text of [...clean, ...shortTexts({ clean, harmless }, random)])
    for (const { row } of documentRows(text)) rows.push({ row, attack: false, weight: 1 })
  for (const line of own)
    for (let nth = 0; nth < 5; nth++) {
      const whole = clean[Math.floor(random() * clean.length)]!
      const host = (nth < 3 ? whole : excerpt(whole, random)).split('\n')
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
      harmless: set.harmless,
    })
    for (const [at, row] of set.labelled.entries()) if (foldOf(row) === fold) result.labelled[at] = documentRaw(model, row.text)
    for (const [at, text] of set.clean.entries()) if (foldOfText(text) === fold) result.clean[at] = documentRaw(model, text)
  }
  return result
}

/** Below the target, and for the public data alone just at it. */
export const CLEAN_DOCUMENTS_FLAGGED = 0.013
export const PUBLIC_CLEAN_DOCUMENTS_FLAGGED = 0.0195

/** The lowest threshold at which so few of the clean documents, and of the clean labelled ones, are flagged. */
export function chooseDocumentThreshold(
  set: DocumentSet,
  scores: { readonly labelled: readonly number[]; readonly clean: readonly number[] },
  flagged = CLEAN_DOCUMENTS_FLAGGED,
): number {
  const limit = (values: number[], most: number) => values.sort((a, b) => b - a)[Math.floor(most * values.length)]! + 1e-6
  const labelledClean = scores.labelled.filter((_, at) => set.labelled[at]!.kind === 'benign_doc')
  return Math.max(limit([...scores.clean], flagged), limit(labelledClean, flagged))
}
