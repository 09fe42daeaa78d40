import * as z from 'zod'
import { type DigestDraft, type DigestResult, FaqReply, labelReply, SummaryReply } from '#shared/domain/digest.ts'
import type { Chunk } from '#shared/domain/document.ts'
import type { DigestSettings, ItemFailure } from '#shared/domain/document-set.ts'
import type { DraftSentence } from '#shared/domain/draft.ts'
import { schemaProblems } from '#shared/domain/extract-schema.ts'
import type { ParsedDocument } from '#shared/domain/indexing.ts'
import type { Passage } from '#shared/domain/passage.ts'
import type { Claim } from '#shared/domain/verdict.ts'
import { type Fact, factsIn, normalWords } from '#shared/text/facts-in-text.ts'
import { checkClaim } from './check-claim.ts'
import { composeAnswer } from './compose-answer.ts'
import { passageOf } from './digest-parts.ts'
import { standsAmong } from './match-facts.ts'
import { sentenceTrouble } from './output-checks.ts'
import { groundOf, mergeData, proveData, stands } from './prove-extract.ts'

export type Proof =
  | { readonly result: DigestResult; readonly kept: number; readonly cut: number }
  | { readonly failure: ItemFailure }

type Case = {
  readonly draft: DigestDraft
  readonly parsed: ParsedDocument
  readonly chunks: readonly Chunk[]
  readonly passages: readonly Passage[]
}
type Of<T extends DigestSettings['task']> = Extract<DigestSettings, { task: T }>

const MAX_TOLD = 10

/** Holds what a model wrote of a document against the document; what does not stand there is cut, and too little left is no result. */
export function proveDigest(
  settings: DigestSettings,
  draft: DigestDraft,
  parsed: ParsedDocument,
  chunks: readonly Chunk[],
): Proof {
  const one: Case = { draft, parsed, chunks, passages: chunks.map(passageOf) }
  switch (settings.task) {
    case 'summarise':
      return proveSummary(settings, one)
    case 'classify':
      return proveLabel(settings, one)
    case 'extract':
      return proveExtract(settings, one)
    case 'faq':
      return proveFaq(settings, one)
    case 'contextualise':
      return proveContexts(one)
  }
}

const head = ({ by, model }: DigestDraft) => ({ by, model })
const nothingLeft = (claims: readonly { readonly reason: string }[]): Proof => ({
  failure: {
    code: 'nothing-supported',
    reason: ['nothing of what the model wrote stands in the document', ...claims.map(({ reason }) => reason).slice(0, 3)].join(
      '; ',
    ),
  },
})

/** The claim ledger of one text. A sentence that is well supported but would act on a reader is cut as well. */
function ledger(sentences: readonly DraftSentence[], passages: readonly Passage[]): Claim[] {
  return sentences.map((sentence) => {
    const claim = checkClaim(sentence, passages, '')
    const trouble = claim.supported ? sentenceTrouble(claim.text, passages, []) : undefined
    return trouble === undefined ? claim : { ...claim, supported: false, reason: trouble }
  })
}
const cutOf = (claims: readonly Claim[]) =>
  claims.filter(({ supported }) => !supported).map(({ text, reason }) => ({ text, reason }))
const standing = (claims: readonly Claim[]) => claims.filter(({ supported, kind }) => supported && kind === 'claim')
const composed = (claims: readonly Claim[], passages: readonly Passage[], by: DigestDraft['by']) => {
  const { text, citations } = composeAnswer(claims, passages, { confidence: 1, followUps: [], by })
  return { text, citations }
}

function proveSummary({ maxSentences }: Of<'summarise'>, { draft, passages }: Case): Proof {
  const replies = draft.replies.map((reply) => SummaryReply.parse(reply))
  const sentences = replies.flatMap((reply) => (reply.answerable ? reply.sentences : []))
  if (sentences.length === 0) return { failure: { code: 'nothing-to-summarise', reason: 'the model found nothing to summarise' } }
  const claims = ledger(sentences, passages)
  const kept = standing(claims)
  const cut = cutOf(claims)
  if (kept.length === 0) return nothingLeft(cut)
  // Each part of a long document had its share; what the shares are rounded up by goes.
  const told = kept.slice(0, Math.max(maxSentences, draft.replies.length))
  return {
    result: { task: 'summarise', ...head(draft), ...composed(told, passages, draft.by), claims: told, cut },
    kept: told.length,
    cut: cut.length,
  }
}

/** The label of most parts, the first one of equals; its proof is a quotation that stands in the document. */
function proveLabel({ labels }: Of<'classify'>, { draft, parsed }: Case): Proof {
  const votes = draft.replies.map((reply) => labelReply(labels).parse(reply))
  const count = (label: string) => votes.filter((vote) => vote.label === label).length
  const { label } = votes.toSorted((a, b) => count(b.label) - count(a.label))[0]!
  const ground = groundOf(parsed.title, parsed.text)
  const proof = votes.find((vote) => vote.label === label && stands(vote.quote, ground))
  const quote = proof?.quote ?? null
  const supported = proof !== undefined
  return {
    result: { task: 'classify', ...head(draft), label, quote, supported },
    kept: supported ? 1 : 0,
    cut: supported ? 0 : 1,
  }
}

function proveExtract({ schema }: Of<'extract'>, { draft, parsed }: Case): Proof {
  const ground = groundOf(parsed.title, parsed.text)
  const proven = draft.replies.map((reply) => proveData(reply, schema, ground))
  const data = mergeData(proven.map(({ value }) => value)) as Record<string, unknown>
  const cut = [...new Set(proven.flatMap((one) => one.cut))]
  const judged = [...new Set(proven.flatMap((one) => one.judged))]
  const problems = schemaProblems(schema, data)
  if (problems.length > 0) {
    const missing = cut.length > 0 ? `; not found in the document: ${cut.slice(0, MAX_TOLD).join(', ')}` : ''
    return { failure: { code: 'extract-unsupported', reason: `${problems.slice(0, MAX_TOLD).join('; ')}${missing}` } }
  }
  return { result: { task: 'extract', ...head(draft), data, judged, cut }, kept: leaves(data), cut: cut.length }
}

const leaves = (value: unknown): number =>
  typeof value === 'object' && value !== null ? Object.values(value).reduce((sum: number, one) => sum + leaves(one), 0) : 1

/** A pair stands when its answer does, and its question brings no fact that the document lacks. */
function proveFaq({ maxPairs }: Of<'faq'>, { draft, parsed, passages }: Case): Proof {
  const { facts } = groundOf(parsed.title, parsed.text)
  const asked = new Set<string>()
  const pairs: Extract<DigestResult, { task: 'faq' }>['pairs'] = []
  const cut: { text: string; reason: string }[] = []
  for (const { question, answer } of draft.replies.flatMap((reply) => FaqReply.parse(reply).pairs)) {
    const claims = ledger(answer, passages)
    cut.push(...cutOf(claims))
    const problem =
      questionProblem(question, facts, passages) ?? (claims[0]?.supported ? undefined : 'its answer is not supported')
    const key = normalWords(question)
    if (problem !== undefined) cut.push({ text: question, reason: problem })
    else if (!asked.has(key) && pairs.length < Math.max(maxPairs, draft.replies.length))
      pairs.push({ question: question.trim(), ...composed(standing(claims), passages, draft.by) })
    asked.add(key)
  }
  if (pairs.length === 0) return nothingLeft(cut)
  return { result: { task: 'faq', ...head(draft), pairs, cut }, kept: pairs.length, cut: cut.length }
}

function questionProblem(question: string, known: readonly Fact[], passages: readonly Passage[]): string | undefined {
  if (question.trim() === '' || question.length > 500) return 'is no question'
  const foreign = factsIn(question).find((fact) => fact.kind !== 'quote' && !standsAmong(fact, known))
  if (foreign) return `asks about "${foreign.raw}", which the document does not name`
  return sentenceTrouble(question, passages, [])
}

const Contexts = z.array(z.string())

function proveContexts({ draft, chunks, passages, parsed }: Case): Proof {
  const texts = Contexts.parse(draft.replies)
  const every = passages.map(({ n }) => n)
  const cut: { text: string; reason: string }[] = []
  const contexts = chunks.flatMap(({ id: chunkId, position, start, end }, i) => {
    const context = texts[i] ?? ''
    if (context === '') return []
    // What is said of a chunk may stand anywhere in its document, its title among it.
    const [claim] = ledger([{ text: context, citations: every.length > 0 ? every : [1] }], passages)
    if (claim?.supported) return [{ chunkId, position, start, end, context }]
    cut.push({ text: context, reason: claim?.reason || `is nothing that "${parsed.title}" says` })
    return []
  })
  if (contexts.length === 0) return nothingLeft(cut)
  return { result: { task: 'contextualise', ...head(draft), contexts, cut }, kept: contexts.length, cut: cut.length }
}
