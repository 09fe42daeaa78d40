import { recallingTurns } from './conversation-retrieve.ts'
import { endingTurn, inTurn, knowingHistory, singleTurn, standingAlone } from './conversation-steps.ts'
import { afterTold, takingBack, toldLive } from './live-draft.ts'
import { seconded } from './second-opinion.ts'
import type { StepTable } from './step.ts'
import { chunk } from './steps/chunk.ts'
import { classify } from './steps/classify.ts'
import { collect } from './steps/collect.ts'
import { deliver } from './steps/deliver.ts'
import { digest } from './steps/digest.ts'
import { embed } from './steps/embed.ts'
import { enrich } from './steps/enrich.ts'
import { escalate } from './steps/escalate.ts'
import { generate } from './steps/generate.ts'
import { index } from './steps/index-chunks.ts'
import { parse } from './steps/parse.ts'
import { prove } from './steps/prove.ts'
import { read } from './steps/read.ts'
import { recall } from './steps/recall.ts'
import { retrieve } from './steps/retrieve.ts'
import { screen } from './steps/screen.ts'
import { send } from './steps/send.ts'
import { verify } from './steps/verify.ts'

/** Name to function. A step without a function, or a function that does not fit its step, is a type error. */
export const steps: StepTable = {
  'support-ticket': {
    screen: inTurn(screen),
    recall: singleTurn(recall),
    classify: standingAlone(classify),
    retrieve: recallingTurns(retrieve),
    generate: seconded(toldLive(knowingHistory(generate))),
    verify,
    escalate: takingBack(escalate),
    deliver: afterTold(endingTurn(deliver)),
  },
  'index-document': { parse, chunk, enrich, embed, index },
  'digest-document': { read, digest, prove, collect },
  'send-webhook': { send },
}
