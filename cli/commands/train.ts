import { writeFileSync } from 'node:fs'
import { quantise } from '#workers/logic/guard-linear.ts'
import { encodeWeights, WEIGHTS_FILE } from '#workers/logic/guard-weights.ts'
import { messageCorpus } from '../eval/guard-corpus.ts'
import {
  CLEAN_DOCUMENTS_FLAGGED,
  chooseDocumentThreshold,
  chooseThreshold,
  DOCUMENT_TRAINING,
  documentSet,
  encodeMessages,
  heldOutDocuments,
  heldOutFlags,
  heldOutModels,
  heldOutScores,
  LIMITS,
  leaveOneSourceOut,
  MESSAGE_TRAINING,
  PUBLIC_CLEAN_DOCUMENTS_FLAGGED,
  PUBLIC_LIMITS,
  shareFlagged,
  trainDocuments,
  trainMessages,
  writtenSets,
} from '../eval/guard-training.ts'
import { WrongUsage } from '../usage.ts'

const FOLDS = 5
const round = (value: number) => Math.round(value * 1e6) / 1e6

export type TrainOptions = {
  readonly data?: string
  readonly out?: string
  readonly reportOnly?: boolean
  /** Nothing that was written here is learned, so that one can see what it does; then nothing is written either. */
  readonly publicOnly?: boolean
}

/**
 * Trains the guard from the folder of public data and the texts in this repository, prints the cross-validated figures, and writes
 * the weights. The same data gives the same bytes.
 * @returns the exit code
 */
export async function train(what: string, options: TrainOptions): Promise<number> {
  if (what !== 'guard') {
    console.error(`answerline: cannot train "${what}"; there is guard`)
    return 2
  }
  const { data, publicOnly = false } = options
  if (data === undefined) throw new WrongUsage('train needs --data FOLDER with the public data')
  const rows = encodeMessages(messageCorpus(data, !publicOnly))
  const held = heldOutModels(rows, FOLDS)
  const threshold = round(chooseThreshold(rows, heldOutScores(rows, held), publicOnly ? PUBLIC_LIMITS : LIMITS))
  const model = trainMessages(rows)
  const set = documentSet(data, !publicOnly)
  const heldDocuments = heldOutDocuments(set, FOLDS)
  const cleanLimit = publicOnly ? PUBLIC_CLEAN_DOCUMENTS_FLAGGED : CLEAN_DOCUMENTS_FLAGGED
  const documentThreshold = round(chooseDocumentThreshold(set, heldDocuments, cleanLimit))
  const flagged = (kind: string) => {
    const own = heldDocuments.labelled.filter((_, at) => set.labelled[at]!.kind === kind)
    return round(own.filter((score) => score >= documentThreshold).length / own.length)
  }
  const cleanFlagged = heldDocuments.clean.filter((score) => score >= documentThreshold).length
  console.log(
    JSON.stringify(
      {
        messages: { rows: rows.length, threshold, crossValidated: shareFlagged(rows, heldOutFlags(rows, held, threshold)) },
        leaveOneSourceOut: leaveOneSourceOut(rows, threshold),
        writtenSets: writtenSets(model, threshold),
        documents: {
          threshold: documentThreshold,
          crossValidated: {
            indirect_doc: flagged('indirect_doc'),
            benign_doc: flagged('benign_doc'),
            clean: { n: set.clean.length, flagged: round(cleanFlagged / set.clean.length) },
          },
        },
      },
      null,
      2,
    ),
  )
  if (options.reportOnly || publicOnly) return 0
  const message = quantise(model)
  const document = quantise(trainDocuments(set))
  const header = {
    version: 2,
    trainedOn: `${rows.length} messages, ${set.labelled.length + set.clean.length} documents`,
    message: { bits: MESSAGE_TRAINING.bits, scale: message.scale, bias: message.bias, threshold },
    document: { bits: DOCUMENT_TRAINING.bits, scale: document.scale, bias: document.bias, threshold: documentThreshold },
  }
  writeFileSync(options.out ?? WEIGHTS_FILE, encodeWeights(header, message.weights, document.weights))
  return 0
}
