import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { GrammarLine, grammarRows } from './guard-grammar.ts'
import { seededRandom } from './seeded-random.ts'

/** `source` is what leave-one-source-out leaves out; `weight` is how much one row counts in training. */
export type MessageRow = {
  readonly text: string
  readonly attack: boolean
  readonly kind: string
  readonly source: string
  readonly weight: number
}

const InjectionRow = z.object({ text: z.string(), label: z.number(), kind: z.string(), src: z.string() })
const OwnRow = z.object({ text: z.string(), label: z.number(), kind: z.string(), family: z.string() })
const OwnLine = z.object({ text: z.string(), part: z.enum(['train', 'test']) })
const Loose = z.looseObject({})

export const OWN_DATA = join(import.meta.dirname, '../../test/data/guard')

/** JSON lines; errors name the file and line. */
export function readRows<T>(file: string, schema: z.ZodType<T>): T[] {
  if (!existsSync(file)) throw new Error(`no such file: ${file}`)
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, at) => {
      if (line.trim() === '') return []
      try {
        return [schema.parse(JSON.parse(line))]
      } catch (error) {
        const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message
        throw new Error(`${file}, line ${at + 1}: ${why}`)
      }
    })
}

/** Hard cases are few and decide the false positives; ordinary ones are thousands and alike. */
const HARMLESS: Readonly<Record<string, number>> = {
  notinject: 24,
  wildguard_benign: 42,
  deepset: 6,
  piguard_valid: 6,
  kb_hard: 5,
  toxicity: 20,
  hint3: 3,
  clinc150: 2,
}
const ATTACK = 10
const OWN = 3
/** Whole letters with an attacker's words in a harmless sense: few, and nothing in the public data is like them. */
const OWN_MENTIONS = 8
/** Generated sentences are many and alike; the harmless ones bound what the others may teach. */
const GENERATED = { attack: 1, harmless: 3 }
export const GRAMMAR_SEED = 5

/**
 * All messages there are to train on, each once, in a fixed order.
 * @param data the folder of public data @param own whether the texts that were written here belong to them
 */
export function messageCorpus(data: string, own = true): MessageRow[] {
  const rows: MessageRow[] = []
  const seen = new Set<string>()
  const add = (text: string, attack: boolean, kind: string, source: string, weight: number) => {
    const key = `${attack} ${text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim()}`
    if (text.trim() === '' || seen.has(key)) return
    seen.add(key)
    rows.push({ text, attack, kind, source, weight })
  }
  for (const { text, label, kind, src } of readRows(join(data, 'prompt_injection/dev.jsonl'), InjectionRow))
    if (!kind.endsWith('_doc')) add(text, label === 1, kind, src, label === 1 ? ATTACK : (HARMLESS[src] ?? 1))
  for (const file of own ? ['train.jsonl', 'train-more.jsonl'] : [])
    for (const { text, label, kind, family } of readRows(join(OWN_DATA, file), OwnRow))
      add(text, label === 1, kind, `own:${family}`, /^(?:mentions-|letters-|angry-|contact$)/.test(family) ? OWN_MENTIONS : OWN)
  const grammar = own ? readRows(join(OWN_DATA, 'train-grammar.jsonl'), GrammarLine) : []
  for (const { text, label, kind, family } of grammarRows(grammar, seededRandom(GRAMMAR_SEED)))
    add(text, label === 1, kind, `own:${family}`, label === 1 ? GENERATED.attack : GENERATED.harmless)
  for (const [folder, fields, most] of ORDINARY)
    for (const row of evenly(readRows(join(data, folder, 'dev.jsonl'), Loose), most))
      for (const field of fields)
        if (typeof row[field] === 'string') add(row[field], false, 'benign', folder, HARMLESS[folder] ?? 1)
  return rows
}

/** Folder, fields with texts of people, and how many rows at most. */
const ORDINARY: readonly (readonly [string, readonly string[], number])[] = [
  ['banking77', ['text'], 3_000],
  ['bitext', ['text'], 3_000],
  ['hint3', ['text'], 3_000],
  ['clinc150', ['text'], 3_000],
  ['dup_pairs', ['a', 'b'], 3_000],
  ['toxicity', ['text'], 3_000],
  ['mtrag_un', ['question'], 3_000],
  ['pii_presidio', ['text'], 3_000],
  ['wice', ['claim'], 600],
  ['summedits', ['claim'], 600],
]

export function evenly<T>(rows: readonly T[], most: number): T[] {
  if (rows.length <= most) return [...rows]
  return Array.from({ length: most }, (_, at) => rows[Math.floor((at * rows.length) / most)]!)
}

export type DocumentRow = { readonly text: string; readonly kind: string; readonly source: string; readonly injected?: string }

/** Documents with what was smuggled into them: a line that stands in two poisoned documents and in no clean one. */
export function labelledDocuments(data: string): DocumentRow[] {
  const rows = readRows(join(data, 'prompt_injection/dev.jsonl'), InjectionRow).filter(({ kind }) => kind.endsWith('_doc'))
  const linesOf = (text: string) => new Set(text.split('\n').map((line) => line.trim()))
  const clean = new Set(rows.filter(({ label }) => label === 0).flatMap(({ text }) => [...linesOf(text)]))
  const counts = new Map<string, number>()
  for (const { text, label } of rows)
    if (label === 1) for (const line of linesOf(text)) if (!clean.has(line)) counts.set(line, (counts.get(line) ?? 0) + 1)
  return rows.map(({ text, kind, src, label }) => {
    const found = [...linesOf(text)].filter((line) => line.length < 300 && !FRAGMENT.test(line) && (counts.get(line) ?? 0) > 1)
    return { text, kind, source: src, ...(label === 1 && found[0] !== undefined ? { injected: found[0] } : {}) }
  })
}

/** What an injection in mid-sentence leaves of mail that several documents share. */
const FRAGMENT = /^(?:Hi |[a-z]|\$|SUBJECT|CONTENT)/

/** Lines to smuggle into documents, and harmless ones such as conditions and manuals are made of; all written for this project. */
export function ownLines(part: 'train' | 'test', file: 'documents' | 'documents-harmless' = 'documents'): string[] {
  return readRows(join(OWN_DATA, `${file}.jsonl`), OwnLine)
    .filter((row) => row.part === part)
    .map(({ text }) => text)
}

const Article = z.object({ title: z.string(), sections: z.array(z.object({ h: z.string(), t: z.string() })) })
const Doc = z.object({ text: z.string() })
const Evidence = z.object({ evidence: z.array(z.string()) })
const Answered = z.looseObject({ response: z.string().optional() })

/** Texts that nobody has tampered with: sections of knowledge bases, encyclopedia passages, news, replies of support. */
export function cleanDocuments(data: string): string[] {
  const articles = ['kb_1', 'kb_2'].flatMap((name) => readRows(join(data, `msft_support_kb/${name}.jsonl`), Article))
  const sections = articles.flatMap(({ title, sections }) => sections.map(({ h, t }) => `${title} - ${h}\n${t}`.slice(0, 2_000)))
  const passages = readRows(join(data, 'mtrag_un/docs.jsonl'), Doc).map(({ text }) => text.slice(0, 2_000))
  const news = readRows(join(data, 'summedits/docs.jsonl'), Doc).map(({ text }) => text.slice(0, 2_000))
  const encyclopedia = readRows(join(data, 'wice/dev.jsonl'), Evidence).map(({ evidence }) => evidence.join('\n').slice(0, 2_000))
  const replies = readRows(join(data, 'bitext/dev.jsonl'), Answered).flatMap(({ response }) => response?.slice(0, 2_000) ?? [])
  return [
    ...evenly(sections, 4_000),
    ...evenly(passages, 600),
    ...evenly(news, 200),
    ...evenly(encyclopedia, 200),
    ...evenly(replies, 600),
  ]
}
