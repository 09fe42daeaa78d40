import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findPersonalData, TAGGER_FILE } from '#workers/logic/find-personal-data.ts'
import { prepare, quantised, type TaggedText, trainTagger } from '#workers/logic/pii-tagger-training.ts'
import { readTagged } from './pii-data.ts'
import { type JudgedText, piiMetrics } from './pii-metrics.ts'

/**
 * Trains the PII tagger: `node cli/eval/train-pii.ts DATA-FOLDER`, with `pii_presidio` as examples and messages of `banking77`, `hint3`,
 * `clinc150` and `bitext` as texts without personal data. Prints figures of five folds and writes the weights. The same data gives
 * the same bytes.
 */
const TRAINING = { bits: 18, epochs: 8 }
const FOLDS = 5
const WITHOUT: Readonly<Record<string, number>> = { banking77: 1_200, hint3: 1_200, clinc150: 500, bitext: 300 }

const folder = process.argv[2] ?? ''
const seeded = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

function messagesOf(name: string, wanted: number): TaggedText[] {
  const random = seeded(3)
  const files = readdirSync(join(folder, name))
    .filter((file) => file.endsWith('.jsonl'))
    .toSorted()
  const texts = files
    .flatMap((file) =>
      readFileSync(join(folder, name, file), 'utf8')
        .trimEnd()
        .split('\n'),
    )
    .map((line) => String(JSON.parse(line).text))
  return Array.from({ length: wanted }, () => ({ text: texts[Math.floor(random() * texts.length)]!, spans: [] }))
}

const own = readdirSync(join(import.meta.dirname, '../../test/data/pii'), { withFileTypes: true })
  .filter((entry) => entry.name.startsWith('train'))
  .flatMap(({ name }) => readTagged(join(import.meta.dirname, '../../test/data/pii', name)))
const groups: Record<string, TaggedText[]> = { pii_presidio: readTagged(join(folder, 'pii_presidio/dev.jsonl')), own }
for (const [name, wanted] of Object.entries(WITHOUT)) groups[name] = messagesOf(name, wanted)

const rows = Object.entries(groups).flatMap(([group, texts]) =>
  texts.map((row, at) => ({ group, row, fold: at % FOLDS, ready: prepare(row) })),
)
const train = (chosen: typeof rows) => {
  const model = trainTagger(
    chosen.map(({ ready }) => ready),
    { ...TRAINING, random: seeded(7) },
  )
  return { bits: TRAINING.bits, weights: quantised(model.weights) }
}
const judged = new Map<string, JudgedText[]>(Object.keys(groups).map((group) => [group, []]))
for (let fold = 0; fold < FOLDS; fold++) {
  const model = train(rows.filter((one) => one.fold !== fold))
  for (const { group, row } of rows.filter((one) => one.fold === fold))
    judged.get(group)!.push({ text: row.text, gold: row.spans, found: findPersonalData(row.text, model) })
  console.error(`fold ${fold + 1} of ${FOLDS}`)
}
for (const [group, texts] of judged) {
  const { byType, ...overall } = piiMetrics(texts)
  console.log(group, JSON.stringify(overall))
  for (const [type, { f1, exact, spans }] of Object.entries(byType))
    console.log(`  ${type}: F1 ${f1?.toFixed(3)} by token, ${exact.f1?.toFixed(3)} exact, ${spans} spans`)
}
writeFileSync(TAGGER_FILE, Buffer.from(train(rows).weights.buffer))
